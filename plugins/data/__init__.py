"""Data sets to begin with.

stages.py     the menu
registry.py   the published data sets, with URLs, checksums, licences and citations
omniglot.py   Omniglot's archives as pictures of 28x28 pixels
images.py     what `data.images` does, over named.py (published sets), folder.py (a user's own) and split.py
figures.py    the contact sheet
"""

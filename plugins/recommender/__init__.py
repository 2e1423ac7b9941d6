"""Recommenders under one declared protocol.

stages.py            the menu: data, splits, judging, comparing, recommending
ranking_stages.py    the menu of models that rank; models/ fits them, one to a file
largest.py           the k largest of each row
types.py             what the stages hand one another
loading.py           interactions, from sources/, through filters.py
dividing.py          splits and folds, by splits.py, and the protocol
features.py          text, categories and numbers as named features
serving.py           lists for user ids, with reasons; newcomers.py adds items that came after fitting
evaluation/          lists, metrics, slices, significance
figures.py           pictures; item_map.py places items in a plane
"""

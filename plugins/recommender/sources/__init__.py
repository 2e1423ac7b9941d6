"""Where interactions come from: published data sets, a user's own files, or a generator."""

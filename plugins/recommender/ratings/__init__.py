"""Models that predict ratings, one to a file, each fitted on one fold's training ratings by a function `fit`."""

"""How rankings and ratings are judged: lists, metrics, what lies beyond accuracy, slices, significance."""

"""The accelerated search: forest, variation, semantics and constants, and the loop that drives them."""

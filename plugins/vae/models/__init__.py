"""One file for each model, to be read beside its paper."""

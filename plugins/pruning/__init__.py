"""Neural-network pruning, with the effect measured.

stages.py         the menu
types.py          what the stages pass on
table.py          what `pruning.table` does: rows with a class each
architectures.py  networks to prune
training.py       the loop, of dense and of masked networks; examples.py and objective.py are what it trains on and for
weights.py        which weights can be pruned
criteria/         one file for each way to score single weights
selection.py      scores and a number of weights to keep -> masks
schedules.py      how many to keep, round by round
pruning.py        what `pruning.prune` does: score, select, train, round by round
channels.py       what `pruning.prune_channels` does: whole channels, by a dependency graph
shrinking.py      masked networks -> small ones, and back
sensitivity.py    what `pruning.sensitivity` does: each layer pruned alone
trade_off.py      what `pruning.trade_off` does: many ways to prune, side by side
counting.py       parameters and multiply-accumulates
storage.py        bytes
latency.py        milliseconds
memory.py         bytes while running
export.py         what `pruning.export` does: an ONNX file, checked
certificate.py    what `pruning.effect` does: all of these, measured
figures.py        what they look like
"""

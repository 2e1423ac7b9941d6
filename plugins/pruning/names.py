"""The names of networks and criteria, apart from their code so that the menu is quick to read."""

from typing import Literal

Architecture = Literal["lenet_300_100", "lenet_5", "mlp", "vgg", "resnet"]

Name = Literal["magnitude", "random", "lamp", "snip", "grasp", "synflow", "movement", "wanda", "obd"]

ChannelName = Literal["l1", "l2", "bn_scale", "taylor", "geometric_median", "lamp", "random"]

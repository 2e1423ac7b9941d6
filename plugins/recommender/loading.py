"""What `recommender.interactions` does: load, filter, and say what was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from pipeline.errors import DataError
from plugins.recommender import filters
from plugins.recommender.sources import files, generated, movielens
from plugins.recommender.sources.registry import DATASETS
from plugins.recommender.types import Interactions

if TYPE_CHECKING:
    from plugins.recommender import stages


def load(stage: stages.Interactions, context: Context) -> Interactions:
    """The interactions that the stage asks for; DataError where they cannot be had or too few are left."""
    if stage.file is not None:
        data = files.load(stage, stage.file)
    elif stage.dataset == "generated":
        data = generated.generate(stage.n_users, stage.n_items, stage.generator_seed)
    else:
        dataset = next(dataset for dataset in DATASETS if dataset.name == stage.dataset)
        context.text("source.md", dataset.describe())
        data = movielens.load(dataset, context)
    data = filters.deduplicated(data)
    if stage.minimum_rating is not None:
        data = filters.rated_at_least(data, stage.minimum_rating)
    if stage.user_core > 1 or stage.item_core > 1:
        data = filters.k_core(data, stage.user_core, stage.item_core)
    counts = {
        "users": len(np.unique(data.feedback.users)),
        "items": len(np.unique(data.feedback.items)),
        "interactions": len(data.feedback),
    }
    if counts["users"] < 2 or counts["items"] < 2:
        raise DataError(
            f"{data.catalogue.source} holds {counts['users']} user(s) and {counts['items']} item(s) after filtering: "
            "there is nothing to compare or to recommend. Give the interactions of at least two users with two items."
        )
    context.log({**counts, "density": counts["interactions"] / (counts["users"] * counts["items"])})
    context.text(
        "data", f"{data.catalogue.source}\n" + "".join(f"{name}: {count:,}\n" for name, count in counts.items())
    )
    return data

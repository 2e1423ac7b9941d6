"""What `recommender.evaluate` does: rank, judge, slice, and compare with a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from pipeline.context import Context
from pipeline.errors import DataError
from plugins.recommender import figures
from plugins.recommender.evaluation import beyond, metrics, significance, slices
from plugins.recommender.evaluation.lists import Candidates, top_lists
from plugins.recommender.types import Feedback, Holdout, Protocol, Ranking, Recommender

if TYPE_CHECKING:
    from plugins.recommender import stages


def evaluate(
    stage: stages.Evaluate, model: Recommender, split: Holdout, baseline: Recommender | None, context: Context
) -> Ranking:
    """Judge a model's lists for every user with something to find; DataError where it can score none of it."""
    shape = split.catalogue.shape
    relevant = _relevant(stage, split)
    users = np.flatnonzero(np.diff(relevant.indptr))
    if len(users) == 0:
        raise DataError(
            f"the {stage.part} part has no relevant interaction to judge on. Change the split or 'relevance'."
        )
    masked = split.history
    if stage.masked == "train_and_validation" and stage.part == "test":
        masked = split.train.joined(split.given).joined(split.validation).matrix(shape)
    popularity = np.bincount(split.train.items, minlength=shape[1])
    candidates = _candidates(stage, masked, relevant, popularity)
    lists = _lists(model, users, split, candidates, relevant, popularity, stage)
    ranking = _judge(stage, lists, users, relevant, split)
    context.log(ranking.metrics)
    context.text("protocol", ranking.protocol.describe())
    _show(stage, ranking, relevant[users], split, popularity, context)
    if baseline is not None:
        base = _judge(
            stage, _lists(baseline, users, split, candidates, relevant, popularity, stage), users, relevant, split
        )
        _against(ranking, base, stage.cutoffs[0], context)
    return ranking


def _relevant(stage: stages.Evaluate, split: Holdout) -> sparse.csr_matrix:
    part: Feedback = getattr(split, stage.part)
    if stage.relevance is not None:
        if part.ratings is None:
            raise DataError("'relevance' is a rating, but the interactions have no ratings. Leave it out.")
        part = part.take(part.ratings >= stage.relevance)
    return part.matrix(split.catalogue.shape)


def _candidates(
    stage: stages.Evaluate, masked: sparse.csr_matrix, relevant: sparse.csr_matrix, popularity: np.ndarray
) -> Candidates:
    allowed = popularity == 0 if stage.candidates == "cold_items" else np.ones(len(popularity), bool)
    sampled = stage.negatives if stage.candidates == "sampled" else None
    return Candidates(masked, allowed, sampled, relevant, stage.sampling_seed)


def _lists(
    model: Recommender,
    users: np.ndarray,
    split: Holdout,
    candidates: Candidates,
    relevant: sparse.csr_matrix,
    popularity: np.ndarray,
    stage: stages.Evaluate,
) -> np.ndarray:
    """The lists; DataError where the model can find nothing of what there is to find."""
    name = type(model).__name__
    reachable = relevant
    if not model.scores_cold_items:
        allowed = candidates.allowed & (popularity > 0)
        candidates = Candidates(candidates.masked, allowed, candidates.sampled, candidates.relevant, candidates.seed)
        reachable = sparse.csr_matrix(relevant.multiply(allowed[None, :].astype(np.float32)))
        if reachable.count_nonzero() == 0:
            raise DataError(
                f"{name} cannot score items without a training interaction, and all {relevant.nnz:,} relevant "
                f"interactions of the {stage.part} part are with such items. Use 'recommender.content', a hybrid, or "
                "'recommender.factorization_machine'."
            )
    if not model.scores_cold_users and not split.history[users].nnz:
        raise DataError(
            f"{name} cannot score for users without a history, and none of the {len(users):,} users of "
            f"the {stage.part} part has one. Use 'given' in the split, 'recommender.popularity', or a hybrid."
        )
    if not model.scores_new_users and not np.diff(split.matrix.indptr)[users].any():
        raise DataError(
            f"{name} cannot score for users who were not there when it was fitted, and none of the {len(users):,} "
            f"users of the {stage.part} part was. Use a model of items, such as 'recommender.ease'."
        )
    return top_lists(model, users, split.history, candidates, max(stage.cutoffs))


def _judge(
    stage: stages.Evaluate, lists: np.ndarray, users: np.ndarray, relevant: sparse.csr_matrix, split: Holdout
) -> Ranking:
    hits = metrics.hits_of(lists, relevant[users])
    per_user = metrics.per_user(hits, np.diff(relevant.indptr)[users], stage.cutoffs)
    values = {name: float(value.mean()) for name, value in per_user.items()}
    return Ranking(users, lists, per_user, values | _beyond(stage, lists, split), _protocol(stage, split))


def _beyond(stage: stages.Evaluate, lists: np.ndarray, split: Holdout) -> dict[str, float]:
    k, (n_users, n_items) = stage.cutoffs[0], split.catalogue.shape
    top = lists[:, :k]
    popularity = np.bincount(split.train.items, minlength=n_items)
    found = {
        f"coverage_at_{k}": beyond.coverage(top, n_items),
        f"gini_at_{k}": beyond.gini(top, n_items),
        f"novelty_at_{k}": beyond.novelty(top, popularity, n_users),
        f"popularity_at_{k}": beyond.average_popularity(top, popularity),
        f"tail_share_at_{k}": beyond.tail_share(top, popularity),
        "unserved_users": float((lists[:, 0] < 0).sum()),
    }
    features = split.catalogue.item_features
    described = split.matrix.T.tocsr() if features is None else features.matrix
    return found | {f"diversity_at_{k}": beyond.diversity(top, described)}


def _protocol(stage: stages.Evaluate, split: Holdout) -> Protocol:
    how: dict[str, Any] = {
        "part": stage.part,
        "candidates": stage.candidates,
        "masked": stage.masked if stage.part == "test" else "train",
        "cutoffs": list(stage.cutoffs),
        "relevance": stage.relevance,
        "ties": "a fixed random order of items, rotated by user",
    }
    if stage.candidates == "sampled":
        how |= {"negatives": stage.negatives, "sampling_seed": stage.sampling_seed,
                "warning": "sampled candidates; not comparable with full ranking (Krichene & Rendle 2020)"}  # fmt: skip
    return split.protocol.with_ranking(**how)


def _show(
    stage: stages.Evaluate,
    ranking: Ranking,
    relevant: sparse.csr_matrix,
    split: Holdout,
    popularity: np.ndarray,
    context: Context,
) -> None:
    k = stage.cutoffs[0]
    activity = np.diff(split.history.indptr)[ranking.users]
    rows = slices.table(ranking.lists, relevant, ranking.per_user, activity, popularity, k)
    context.table("slices", rows)
    context.log({f"{row['slice']}/{metric}_at_{k}": row[metric] for row in rows for metric in ("ndcg", "recall")})
    context.figure("slices", figures.slices(rows, k))
    context.figure("cutoffs", figures.cutoff_curves(ranking.lists, relevant))
    context.figure("popularity", figures.recall_by_popularity(ranking.lists, relevant, popularity))


def _against(ranking: Ranking, base: Ranking, k: int, context: Context) -> None:
    """Log how far the model is above the baseline, and whether that could be chance."""
    rows = []
    for metric in (f"ndcg_at_{k}", f"recall_at_{k}"):
        test = significance.paired(ranking.per_user[metric], base.per_user[metric])
        context.log({f"{metric}_gain": test.difference, f"{metric}_p_value": test.p_wilcoxon})
        rows.append({"metric": metric, "model": ranking.metrics[metric], "baseline": base.metrics[metric],
                     "difference": test.difference, "ci95_low": test.low, "ci95_high": test.high,
                     "p_wilcoxon": test.p_wilcoxon, "p_t": test.p_t})  # fmt: skip
    context.table("against_baseline", rows)

"""Generated interactions with a known structure: tastes, genres, and a few items that everybody takes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from plugins.recommender.features import FeatureColumns
from plugins.recommender.sources.frames import encode
from plugins.recommender.types import Interactions

GENRES = ("comedy", "crime", "documentary", "drama", "fantasy", "horror", "romance", "western")
_WORDS = 12


def generate(n_users: int, n_items: int, seed: int) -> Interactions:
    """Users with tastes over eight genres and three hidden factors take items that are popular and to their taste.

    Who takes what: without replacement, with log-odds = 0.6 Zipf popularity + 5 taste for the genres + hidden factors
    (Gumbel top-n sampling). Ratings 1 to 5 follow the same affinity without the popularity, with noise.
    """
    rng = np.random.default_rng(seed)
    tastes = rng.dirichlet(np.full(len(GENRES), 0.3), n_users)
    first, second = rng.integers(len(GENRES), size=(2, n_items))
    membership = np.zeros((n_items, len(GENRES)))
    membership[np.arange(n_items), first] = 1
    membership[np.arange(n_items), second] = 1
    hidden_users, hidden_items = rng.normal(size=(n_users, 3)), rng.normal(size=(n_items, 3))
    popularity = -0.6 * np.log1p(rng.permutation(n_items))
    affinity = 5 * tastes @ membership.T + 0.5 * hidden_users @ hidden_items.T
    counts = np.clip(rng.lognormal(3.2, 0.7, n_users).astype(int), 5, n_items // 3)
    noisy = popularity + affinity + rng.gumbel(size=(n_users, n_items))
    order = np.argsort(-noisy, axis=1)
    taken = np.arange(n_items) < counts[:, None]
    users, ranks = np.nonzero(taken)
    items = order[users, ranks]
    liking = affinity[users, items] + rng.normal(scale=0.7, size=len(users))
    frame = pd.DataFrame(
        {
            "user": [f"user-{u:04d}" for u in users],
            "item": [f"item-{i:04d}" for i in items],
            "rating": 1 + np.searchsorted(np.quantile(liking, [0.06, 0.17, 0.44, 0.79]), liking),
            "time": 1_600_000_000 + rng.integers(0, 3 * 365 * 86400, len(users)),
        }
    )
    described = pd.DataFrame(
        {
            "title": [_title(rng, first[i], second[i]) for i in range(n_items)],
            "genres": ["|".join(sorted({GENRES[first[i]], GENRES[second[i]]})) for i in range(n_items)],
        },
        index=[f"item-{i:04d}" for i in range(n_items)],
    )
    source = f"generated: {n_users:,} users, {n_items:,} items, {len(frame):,} interactions; no real person or film"
    return encode(frame, source, described, None, FeatureColumns(("title",), ("genres",)), None, "title")


def _title(rng: np.random.Generator, *genres: int) -> str:
    """Three made-up words, each of a vocabulary that the genres share with no other genre."""
    return " ".join(f"{GENRES[rng.choice(genres)][:4]}{rng.integers(_WORDS)}" for _ in range(3)).capitalize()

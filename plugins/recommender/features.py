"""Text, categories and numbers as one sparse matrix of named features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from plugins.recommender.types import Features

MIN_DOCUMENTS = 2


@dataclass(frozen=True)
class FeatureColumns:
    """Which columns are text, which hold one or several categories (split at ``|``), and which are numbers."""

    text: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


def featurise(frame: pd.DataFrame, columns: FeatureColumns) -> Features:
    """(rows, features): TF-IDF of words in at least two rows, 0/1 for categories, numbers standardised.

    Each kind of feature is scaled to a row norm of at most 1, so that a long text does not drown a category.
    """
    blocks: list[sparse.csr_matrix] = []
    names: list[str] = []
    for column in columns.text:
        vectoriser = TfidfVectorizer(min_df=MIN_DOCUMENTS, stop_words="english", sublinear_tf=True)
        _append(blocks, names, vectoriser, frame[column].fillna("").astype(str), f"{column}:")
    for column in columns.categories:
        vectoriser = CountVectorizer(tokenizer=_members, token_pattern=None, lowercase=False, binary=True)
        _append(blocks, names, vectoriser, frame[column].fillna("").astype(str), f"{column}=")
    for column in columns.numbers:
        values = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64)
        centred = np.nan_to_num((values - np.nanmean(values)) / (np.nanstd(values) or 1.0))
        blocks.append(sparse.csr_matrix(np.clip(centred, -3, 3)[:, None] / 3))
        names.append(column)
    matrix = sparse.hstack(blocks, format="csr") if blocks else sparse.csr_matrix((len(frame), 0))
    return Features(sparse.csr_matrix(matrix, dtype=np.float32), tuple(names))


def _append(
    blocks: list[sparse.csr_matrix], names: list[str], vectoriser: CountVectorizer, texts: pd.Series, prefix: str
) -> None:
    try:
        block = vectoriser.fit_transform(texts)
    except ValueError:  # no word or category is left: the column tells nothing
        return
    norms = _norms(block)
    blocks.append(sparse.diags(1 / np.maximum(norms, 1e-12)) @ block)
    names.extend(prefix + str(name) for name in vectoriser.get_feature_names_out())


def _norms(block: sparse.spmatrix) -> np.ndarray:
    return np.sqrt(np.asarray(block.multiply(block).sum(axis=1)).ravel())


def _members(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]

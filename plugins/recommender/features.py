"""Text, categories and numbers as one sparse matrix of named features, also of items that come later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from plugins.recommender.types import CategoryColumn, FeatureColumn, Features, NumberColumn, TextColumn

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
    learnt = tuple(_learn(frame, columns))
    names = [name for column in learnt for name in _names(column)]
    return Features(described(frame, learnt), tuple(names), learnt)


def described(frame: pd.DataFrame, columns: tuple[FeatureColumn, ...]) -> sparse.csr_matrix:
    """(rows, features) float32 by columns that were learnt from other rows; what these did not have is left out."""
    blocks = [_block(frame[column.name], column) for column in columns]
    matrix = sparse.hstack(blocks, format="csr") if blocks else sparse.csr_matrix((len(frame), 0))
    return sparse.csr_matrix(matrix, dtype=np.float32)


def _learn(frame: pd.DataFrame, columns: FeatureColumns) -> Iterator[FeatureColumn]:
    for name in columns.text:
        vectoriser = TfidfVectorizer(min_df=MIN_DOCUMENTS, stop_words="english", sublinear_tf=True)
        if _fitted(vectoriser, _texts(frame[name])):
            yield TextColumn(name, tuple(map(str, vectoriser.get_feature_names_out())), vectoriser.idf_)
    for name in columns.categories:
        vectoriser = CountVectorizer(tokenizer=_members, token_pattern=None, lowercase=False)
        if _fitted(vectoriser, _texts(frame[name])):
            yield CategoryColumn(name, tuple(map(str, vectoriser.get_feature_names_out())))
    for name in columns.numbers:
        values = _numbers(frame[name])
        yield NumberColumn(name, float(np.nanmean(values)), float(np.nanstd(values) or 1.0))


def _fitted(vectoriser: CountVectorizer, texts: pd.Series) -> bool:
    try:
        vectoriser.fit(texts)
    except ValueError:  # no word or category is left: the column tells nothing
        return False
    return True


def _block(values: pd.Series, column: FeatureColumn) -> sparse.csr_matrix:
    if isinstance(column, NumberColumn):
        centred = np.nan_to_num((_numbers(values) - column.mean) / column.spread)
        return sparse.csr_matrix(np.clip(centred, -3, 3)[:, None] / 3)
    if isinstance(column, TextColumn):
        vectoriser = TfidfVectorizer(vocabulary=column.words, stop_words="english", sublinear_tf=True)
        vectoriser.idf_ = column.rarity
    else:
        vectoriser = CountVectorizer(
            tokenizer=_members, token_pattern=None, lowercase=False, binary=True, vocabulary=column.members
        )
    block = vectoriser.transform(_texts(values))
    norms = np.sqrt(np.asarray(block.multiply(block).sum(axis=1)).ravel())
    return sparse.diags(1 / np.maximum(norms, 1e-12)) @ block


def _names(column: FeatureColumn) -> list[str]:
    if isinstance(column, TextColumn):
        return [f"{column.name}:{word}" for word in column.words]
    if isinstance(column, CategoryColumn):
        return [f"{column.name}={member}" for member in column.members]
    return [column.name]


def _texts(column: pd.Series) -> pd.Series:
    return column.fillna("").astype(str)


def _numbers(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").to_numpy(np.float64)


def _members(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]

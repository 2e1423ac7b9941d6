"""Similarities between the columns of a sparse matrix, in blocks: only the k largest of each column are kept."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import sparse

from plugins.recommender.largest import largest
from plugins.recommender.models.gram import gram

Similarity = Literal["cosine", "pearson", "jaccard", "tfidf", "bm25"]
_VALUES_PER_BLOCK = 1 << 24


def nearest(matrix: sparse.csr_matrix, similarity: Similarity, k: int, shrinkage: float) -> sparse.csr_matrix:
    """(columns, columns): column j holds the similarity of its k nearest other columns, zeros dropped.

    cosine: x.y / (|x||y| + shrinkage). jaccard: shared / (either + shrinkage). pearson: the correlation of the whole
    columns, absent entries counting as 0 (for 0/1 the phi coefficient), times shared / (shared + shrinkage).
    tfidf: cosine of columns weighted by row rarity. bm25: product of columns weighted by BM25 (K1 = 1.2, B = 0.75).
    """
    weighted = weigh(matrix, similarity)
    rows, n = weighted.shape
    by_row, by_column = weighted.tocsr(), weighted.tocsc()
    lengths = np.sqrt(_column_sums(by_column.multiply(by_column)))
    sums = _column_sums(by_column)
    shared_counts = sparse.csc_matrix(
        (np.ones_like(by_column.data), by_column.indices, by_column.indptr), by_column.shape
    )
    size = max(1, _VALUES_PER_BLOCK // n)
    blocks = []
    for start in range(0, n, size):
        stop = min(start + size, n)
        dots = gram(by_row) if stop - start == n else (by_column[:, start:stop].T @ by_row).toarray()
        if similarity == "jaccard":
            values = dots / (sums[start:stop, None] + sums[None] - dots + shrinkage + 1e-6)
        elif similarity == "pearson":
            shared = (shared_counts[:, start:stop].T @ shared_counts).toarray() if shrinkage else None
            values = _correlation(dots, sums[start:stop], sums, lengths[start:stop], lengths, rows)
            values = values if shared is None else values * shared / (shared + shrinkage)
        elif similarity == "bm25":
            values = dots
        else:
            values = dots / (lengths[start:stop, None] * lengths[None] + shrinkage + 1e-6)
        values[np.arange(stop - start), np.arange(start, stop)] = 0
        blocks.append(thinned(values, k))
    return sparse.vstack(blocks, format="csr").T.tocsr()


def weigh(matrix: sparse.csr_matrix, similarity: Similarity) -> sparse.csr_matrix:
    """The matrix with values weighted as the similarity wants them: 0/1 for jaccard, TF-IDF, BM25, or unchanged."""
    counts = sparse.csr_matrix(matrix, dtype=np.float32, copy=True)
    if similarity == "jaccard":
        counts.data[:] = 1
    if similarity not in ("tfidf", "bm25"):
        return counts
    rows, columns = counts.shape
    # Rows (users) are the words and columns (items) the documents, so an active user says less about an item.
    rarity = np.log(columns / (1 + np.diff(counts.indptr))) if similarity == "tfidf" else _bm25_idf(counts)
    row_of = np.repeat(np.arange(rows), np.diff(counts.indptr))
    if similarity == "tfidf":
        counts.data = np.sqrt(counts.data) * np.maximum(rarity, 0)[row_of]
    else:
        length = np.bincount(counts.indices, weights=counts.data, minlength=columns)
        norm = 0.25 + 0.75 * length / max(length.mean(), 1e-12)
        counts.data = counts.data * 2.2 / (1.2 * norm[counts.indices] + counts.data) * rarity[row_of]
    counts.data = counts.data.astype(np.float32)
    return counts


def thinned(values: np.ndarray, k: int) -> sparse.csr_matrix:
    """Of each row the k largest positive values, the others dropped."""
    k = min(k, values.shape[1])
    columns = np.sort(largest(values, k), axis=1)
    kept = np.maximum(np.take_along_axis(values, columns, axis=1), 0).astype(np.float32)
    starts = np.arange(0, kept.size + 1, k)
    found = sparse.csr_matrix((kept.ravel(), columns.ravel(), starts), shape=values.shape)
    found.eliminate_zeros()
    return found


def _bm25_idf(counts: sparse.csr_matrix) -> np.ndarray:
    frequency = np.diff(counts.indptr)
    return np.log1p((counts.shape[1] - frequency + 0.5) / (frequency + 0.5))


def _correlation(
    dots: np.ndarray, sums: np.ndarray, all_sums: np.ndarray, lengths: np.ndarray, all_lengths: np.ndarray, n: int
) -> np.ndarray:
    covariance = dots - sums[:, None] * all_sums[None] / n
    spread = np.sqrt(np.maximum(lengths**2 - sums**2 / n, 0))
    all_spread = np.sqrt(np.maximum(all_lengths**2 - all_sums**2 / n, 0))
    return covariance / np.maximum(spread[:, None] * all_spread[None], 1e-12)


def _column_sums(matrix: sparse.spmatrix) -> np.ndarray:
    return np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()

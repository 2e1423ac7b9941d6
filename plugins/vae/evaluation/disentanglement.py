"""How far each latent dimension stands for one factor: MIG, DCI and SAP, from codes (n, d) and factors (n, f).

Factors are integers; what is learnt of them from one half of the examples is judged on the other. The definitions
follow Locatello et al., "Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations",
ICML 2019.
"""

from __future__ import annotations

import numpy as np

from plugins.vae.types import Disentanglement

BINS = 20


def disentanglement(codes: np.ndarray, factors: np.ndarray, seed: int = 0) -> Disentanglement:
    """Every measure at once."""
    order = np.random.default_rng(seed).permutation(len(codes))
    train, test = np.array_split(order, 2)
    information = mutual_information(codes, factors)
    importance, accuracy = _importances(codes, factors, train, test, seed)
    scores = np.array([[_separability(codes[:, i], factors[:, j], train, test) for j in range(factors.shape[1])]
                       for i in range(codes.shape[1])])  # fmt: skip
    return Disentanglement(
        mutual_information_gap(information, factors),
        disentanglement_score(importance),
        completeness_score(importance),
        float(np.mean(accuracy)),
        float(np.mean(_gap(scores))),
        importance,
        information,
    )


def mutual_information(codes: np.ndarray, factors: np.ndarray, bins: int = BINS) -> np.ndarray:
    """(d, f) in nats, each latent dimension cut into ``bins`` of equal width."""
    found = np.zeros((codes.shape[1], factors.shape[1]))
    for i, column in enumerate(codes.T):
        edges = np.linspace(column.min(), column.max(), bins + 1)[1:-1]
        cut = np.digitize(column, edges)
        for j, factor in enumerate(factors.T):
            joint = np.zeros((bins, factor.max() + 1))
            np.add.at(joint, (cut, factor), 1 / len(factor))
            independent = np.outer(joint.sum(1), joint.sum(0))
            filled = joint > 0
            found[i, j] = (joint[filled] * np.log(joint[filled] / independent[filled])).sum()
    return found


def mutual_information_gap(information: np.ndarray, factors: np.ndarray) -> float:
    """How much more the best dimension knows of a factor than the second best, in units of the factor's entropy."""
    entropies = [_entropy(np.bincount(factor) / len(factor)) for factor in factors.T]
    return float(np.mean(_gap(information) / np.maximum(entropies, 1e-12)))


def disentanglement_score(importance: np.ndarray) -> float:
    """1 - the entropy over factors of each dimension's importance, weighted by what the dimension is worth."""
    if importance.shape[1] == 1:
        return 1.0
    weights = importance.sum(1)
    each = 1 - np.array([_entropy(_shares(row)) for row in importance]) / np.log(importance.shape[1])
    return float((weights / max(weights.sum(), 1e-12) * each).sum())


def completeness_score(importance: np.ndarray) -> float:
    """The same, factor by factor: 1 where one dimension says all there is to be said of it."""
    return disentanglement_score(importance.T)


def _importances(
    codes: np.ndarray, factors: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int
) -> tuple[np.ndarray, list[float]]:
    from sklearn.ensemble import ExtraTreesClassifier

    importance, accuracy = [], []
    for factor in factors.T:
        trees = ExtraTreesClassifier(50, min_samples_leaf=2, max_features=None, random_state=seed, n_jobs=1)
        trees.fit(codes[train], factor[train])
        importance.append(trees.feature_importances_)
        accuracy.append(float(trees.score(codes[test], factor[test])))
    return np.array(importance).T, accuracy


def _separability(column: np.ndarray, factor: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Accuracy with which one dimension tells one factor, by thresholds between values."""
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_leaf_nodes=2 * (int(factor.max()) + 1), min_samples_leaf=5, random_state=0)
    return float(tree.fit(column[train, None], factor[train]).score(column[test, None], factor[test]))


def _gap(scores: np.ndarray) -> np.ndarray:
    """The best less the second best of each column."""
    if len(scores) == 1:
        return scores[0]
    ordered = np.sort(scores, axis=0)
    return ordered[-1] - ordered[-2]


def _shares(values: np.ndarray) -> np.ndarray:
    return values / max(values.sum(), 1e-12)


def _entropy(shares: np.ndarray) -> float:
    filled = shares[shares > 0]
    return float(-(filled * np.log(filled)).sum())

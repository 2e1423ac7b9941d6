"""The published recommender data sets, none of which may be shipped: each is downloaded from its publisher."""

from __future__ import annotations

from pipeline.datasets import Dataset, RemoteFile

_GROUPLENS = "https://files.grouplens.org/datasets/movielens/"
_TERMS = "GroupLens terms: research use with acknowledgement, no redistribution, no commercial use without permission"
_CITATION = (
    "Harper, F. M. & Konstan, J. A. (2015). The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5(4), 19."
)
_DILEMMA = (
    "https://raw.githubusercontent.com/almightyGOSU/TheDatasetsDilemma/cf095f22c0795f6c15001534461f9ac629bbb0cc/"
    "Datasets/Preprocessed/ML-100K/"
)

_ML_100K_FILES = {
    "u.data": "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
    "u.genre": "9757e0d3e6b298159a80dd48eaf938114690e911e39af97a76949ef1663610bb",
    "u.item": "553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701",
    "u.user": "f120e114da2e8cf314fd28f99417c94ae9ddf1cb6db8ce0e4b5995d40e90e62c",
    "u1.test": "18c6014a4b2c7324f250a63f8904a7b16b2b19f911129e346141507b0cbac950",
    "u2.test": "4de658d1e04ed9104629509a2e2528fce833ac8e048280183f1df167632038c3",
    "u3.test": "0f548b51c78327de4c156461d3e430b7e5579fe2b5681586a59416e48fd35f6d",
    "u4.test": "7c02ad0a1e7ab1083c8b9d4b627203a051dd7b5eab46d99fa44de33470de8db9",
    "u5.test": "351cc52e0d15b6c721466276fc24671d40936899e3d01fadeaf312915b8c5634",
}

ML_100K = Dataset(
    "movielens-100k",
    "MovieLens 100K: 100,000 ratings of 1,682 films by 943 users, with times, genres and the official five folds",
    files=tuple(RemoteFile(name, f"{_GROUPLENS}ml-100k/{name}", sha256) for name, sha256 in _ML_100K_FILES.items()),
    licence=_TERMS,
    citation=_CITATION,
    homepage="https://grouplens.org/datasets/movielens/100k/",
)

ML_1M = Dataset(
    "movielens-1m",
    "MovieLens 1M: 1,000,209 ratings of 3,706 films by 6,040 users, with times and genres",
    files=(
        RemoteFile(
            "ml-1m.zip", f"{_GROUPLENS}ml-1m.zip", "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20"
        ),
    ),
    licence=_TERMS,
    citation=_CITATION,
    homepage="https://grouplens.org/datasets/movielens/1m/",
)

ML_LATEST_SMALL = Dataset(
    "movielens-latest-small",
    "MovieLens latest-small: 100,836 ratings of 9,724 films by 610 users, with times and genres",
    files=(
        RemoteFile(
            "ml-latest-small.zip",
            f"{_GROUPLENS}ml-latest-small.zip",
            "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
        ),
    ),
    licence=_TERMS,
    citation=_CITATION,
    homepage="https://grouplens.org/datasets/movielens/latest/",
)

LEAVE_ONE_OUT = Dataset(
    "movielens-100k-leave-one-out",
    "MovieLens 100K, 943 users and 1,349 films: a fixed chronological leave-one-out split with published scores",
    files=(
        RemoteFile(
            "train.csv", f"{_DILEMMA}train.csv", "02514b528a36fc53d81f34bffd430b6f258a0e965ff331bd00c2a5e3a3b2c2be"
        ),
        RemoteFile(
            "validation.csv",
            f"{_DILEMMA}validation.csv",
            "4f3b37ee0db24f3c8d13234faa52f118f41ef7dde19a9c4e60fafc6a3557390a",
        ),
        RemoteFile(
            "test.csv", f"{_DILEMMA}test.csv", "a31a7989666273585a7951541e83e710f10b01680a6d8383f2a91bfcc0d06ffd"
        ),
    ),
    licence=_TERMS,
    citation="Chin, J. Y., Chen, Y. & Cong, G. (2022). The Datasets Dilemma: How Much Do We Really Know About "
    "Recommendation Datasets? WSDM 2022.",
    homepage="https://github.com/almightyGOSU/TheDatasetsDilemma",
)

DATASETS = (ML_100K, LEAVE_ONE_OUT, ML_1M, ML_LATEST_SMALL)

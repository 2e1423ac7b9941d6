"""The MovieLens data sets, read as GroupLens publishes them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.context import Context
from pipeline.datasets import Dataset, fetch
from plugins.recommender.features import FeatureColumns
from plugins.recommender.sources.frames import encode
from plugins.recommender.sources.registry import LEAVE_ONE_OUT, ML_1M, ML_100K
from plugins.recommender.types import Interactions

_FILM = FeatureColumns(text=("title",), categories=("genres",), numbers=("year",))
_PERSON = FeatureColumns(categories=("gender", "age", "occupation"))


def load(dataset: Dataset, context: Context) -> Interactions:
    """The interactions of one of the data sets of the registry, with the features that it has."""
    files = fetch(dataset, context)
    if dataset is ML_100K:
        return _ml_100k(files)
    if dataset is LEAVE_ONE_OUT:
        return _leave_one_out(files)
    return _archive(files[dataset.files[0].name], dataset)


def _ml_100k(files: dict[str, Path]) -> Interactions:
    columns = ["user", "item", "rating", "time"]
    folds = [pd.read_csv(files[f"u{n}.test"], sep="\t", names=columns).assign(part=n - 1) for n in range(1, 6)]
    # The five test sets together are u.data; its own order is kept.
    ratings = pd.read_csv(files["u.data"], sep="\t", names=columns).merge(pd.concat(folds), on=columns, how="left")
    genres = pd.read_csv(files["u.genre"], sep="|", names=["genre", "number"])["genre"].tolist()
    films = pd.read_csv(
        files["u.item"],
        sep="|",
        encoding="latin-1",
        index_col=0,
        names=["item", "title", "date", "video", "url", *genres],
    )
    flags = films[genres].to_numpy(bool)
    films["genres"] = ["|".join(np.array(genres)[row]) for row in flags]
    people = pd.read_csv(files["u.user"], sep="|", index_col=0, names=["user", "years", "gender", "occupation", "zip"])
    people["age"] = (people["years"] // 10 * 10).astype(str)
    return encode(ratings, ML_100K.title, _with_year(films), people, _FILM, _PERSON, "title")


def _leave_one_out(files: dict[str, Path]) -> Interactions:
    names = ("train.csv", "validation.csv", "test.csv")
    parts = [pd.read_csv(files[name]).set_axis(["user", "item"], axis=1).assign(part=n) for n, name in enumerate(names)]
    return encode(pd.concat(parts, ignore_index=True), LEAVE_ONE_OUT.title)


def _archive(path: Path, dataset: Dataset) -> Interactions:
    with zipfile.ZipFile(path) as archive:
        names = {Path(name).name: name for name in archive.namelist()}

        def table(name: str, columns: list[str]) -> pd.DataFrame:
            content = archive.read(names[name])
            if dataset is ML_1M:
                # One character that occurs nowhere else makes the fast parser possible.
                text = content.decode("latin-1").replace("::", "\x1f")
                return pd.read_csv(io.StringIO(text), sep="\x1f", names=columns, quoting=3)
            return pd.read_csv(io.BytesIO(content), names=columns, header=0)

        suffix = "dat" if dataset is ML_1M else "csv"
        ratings = table(f"ratings.{suffix}", ["user", "item", "rating", "time"])
        films = table(f"movies.{suffix}", ["item", "title", "genres"]).set_index("item")
        people = None
        if dataset is ML_1M:
            people = table("users.dat", ["user", "gender", "age", "occupation", "zip"]).set_index("user").astype(str)
    seen = films.loc[films.index.isin(ratings["item"].unique())]
    return encode(ratings, dataset.title, _with_year(seen), people, _FILM, None if people is None else _PERSON, "title")


def _with_year(films: pd.DataFrame) -> pd.DataFrame:
    return films.assign(year=films["title"].str.extract(r"\((\d{4})\)\s*$")[0].astype(float))

"""Recommenders beside their peers in one run: full-ranking evaluation, fitting, ratings, memory of a large case.

    python benchmarks/recommender.py               everything (peers are installed on first use)
    python benchmarks/recommender.py ranking       one part: ranking, ratings, memory

Needs PIPELINE_DATA with movielens-100k and movielens-1m. CPU seconds of one thread, the best of three where they
are few; data are loaded and models built before the clock starts. Trust the ratios, not the single figures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
from _measure import peer, table  # benchmarks is a folder of scripts, not a package

IMPLICIT = ("implicit==0.7.3", "threadpoolctl")
SURPRISE = ("scikit-surprise==1.1.5", "numpy<3", "pandas")
RECBOLE = (
    "recbole==1.2.1", "numpy<2", "scipy<1.14", "pandas<2.3", "torch==2.13.0", "setuptools<81", "kmeans-pytorch",
)  # fmt: skip

_IMPLICIT = """
import json, sys, time, numpy as np
from scipy import sparse
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.evaluation import ranking_metrics_at_k
from implicit.nearest_neighbours import CosineRecommender
d = dict(np.load(sys.argv[1])); shape = tuple(d["shape"])
def matrix(pairs):
    return sparse.csr_matrix((np.ones(len(pairs), np.float32), tuple(pairs.T)), shape=shape)
train, test = matrix(d["train"]), matrix(d["test"])
def clock(work):
    began = time.process_time(); value = work(); return value, time.process_time() - began
def judge(model):
    return ranking_metrics_at_k(model, train, test, K=10, show_progress=False, num_threads=1)
out = {}
model = AlternatingLeastSquares(factors=64, iterations=1, num_threads=1, random_state=0)
model.user_factors, model.item_factors = d["user_factors"], d["item_factors"]
out["evaluate"] = min(clock(lambda: judge(model))[1] for _ in range(3))
def fitted(make):
    model = make(); _, cpu = clock(lambda: model.fit(train, show_progress=False))
    return [cpu, float(judge(model)["ndcg"])]
als = dict(factors=32, regularization=20, alpha=5, iterations=15)
out["als"] = fitted(lambda: AlternatingLeastSquares(num_threads=1, random_state=0, **als))
out["item_knn"] = fitted(lambda: CosineRecommender(K=100, num_threads=1))
def bpr(**settings):
    return fitted(lambda: BayesianPersonalizedRanking(factors=64, num_threads=1, random_state=0, **settings))
out["bpr, its defaults"] = bpr()
out["bpr, the best setting found on validation data"] = bpr(learning_rate=0.02, iterations=20)
print(json.dumps(out))
"""

_RECBOLE = """
import json, sys, time, warnings, logging, os, numpy as np
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
import torch; torch.set_num_threads(1)
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed
folder = sys.argv[1]; sys.argv = sys.argv[:1]
def run(model, batch=200_000, **more):
    config = Config(model=model, dataset="bench", config_dict=dict(
        data_path=folder, benchmark_filename=["train", "valid", "test"], load_col={"inter": ["user_id", "item_id"]},
        eval_args={"split": {"RS": [8, 1, 1]}, "order": "RO", "group_by": "user", "mode": "full"},
        metrics=["NDCG", "Recall", "Precision", "MAP", "MRR", "Hit"], topk=[10], valid_metric="NDCG@10",
        eval_batch_size=batch, use_gpu=False, show_progress=False, state="ERROR", checkpoint_dir=folder, **more))
    init_seed(0, True)
    dataset = create_dataset(config); train, valid, test = data_preparation(config, dataset)
    network = get_model(model)(config, train.dataset)
    trainer = get_trainer(config["MODEL_TYPE"], model)(config, network)
    return train, valid, test, trainer
def clock(work):
    began = time.process_time(); value = work(); return value, time.process_time() - began
out = {}
_, _, test, trainer = run("BPR", embedding_size=64, epochs=1)
def judge():
    return trainer.evaluate(test, load_best_model=False, show_progress=False)
out["evaluate"] = min(clock(judge)[1] for _ in range(3))
_, _, test, trainer = run("BPR", 4096, embedding_size=64, epochs=1)
out["evaluate, default batch"] = clock(judge)[1]
for name, more in (("EASE", dict(reg_weight=500.0)), ("ItemKNN", dict(k=100, shrink=0.0))):
    (parts, cpu) = clock(lambda: run(name, epochs=1, **more))
    train, valid, test, trainer = parts
    # EASE and ItemKNN are fitted while the model is made: the same preparation without them is taken off.
    _, base = clock(lambda: run("Pop", epochs=1))
    trainer.fit(train, None, saved=False, show_progress=False)
    result, cpu_evaluate = clock(judge)
    out[name] = [cpu - base, float(result["ndcg@10"]), cpu_evaluate]
print(json.dumps(out))
"""

_SURPRISE = """
import json, sys, time, numpy as np, pandas as pd
from surprise import SVD, BaselineOnly, Dataset, Reader
d = dict(np.load(sys.argv[1])); out = {}
for name, make in {
    "baseline": lambda: BaselineOnly(verbose=False),
    "SVD, defaults": lambda: SVD(random_state=0),
    "SVD, tuned": lambda: SVD(n_factors=100, n_epochs=100, lr_all=.005, reg_all=.1, random_state=0),
}.items():
    cpu, errors = [], []
    for fold in range(5):
        rows = d["fold"] != fold
        frame = pd.DataFrame({"u": d["users"][rows], "i": d["items"][rows], "r": d["ratings"][rows]})
        train = Dataset.load_from_df(frame, Reader(rating_scale=(1, 5))).build_full_trainset()
        model = make(); began = time.process_time(); model.fit(train); cpu.append(time.process_time() - began)
        test = zip(d["users"][~rows], d["items"][~rows], d["ratings"][~rows])
        wrong = [model.predict(u, i).est - r for u, i, r in test]
        errors.append(np.sqrt(np.mean(np.square(wrong))))
    out[name] = [float(np.mean(errors)), float(np.mean(cpu))]
print(json.dumps(out))
"""


def clock(work: Callable[[], Any]) -> tuple[Any, float]:
    """What ``work`` returns and its CPU seconds."""
    began = time.process_time()
    value = work()
    return value, time.process_time() - began


def ask(requirements: tuple[str, ...], script: str, argument: Path) -> dict[str, Any]:
    """The JSON that a peer's script prints at its end."""
    python = peer(requirements[0].split("=")[0], *requirements) / "python"
    with tempfile.TemporaryDirectory() as folder:  # RecBole leaves its logs where it runs
        done = subprocess.run(
            [python, "-c", script, str(argument)], capture_output=True, text=True, check=False, cwd=folder
        )
    if done.returncode:
        raise SystemExit(f"{requirements[0]} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def movielens_1m() -> Any:
    """MovieLens 1M split 80/10/10 for each user."""
    from pipeline.testing import run_stage
    from plugins.recommender.stages import Interactions, Split

    file = Path(os.environ["PIPELINE_DATA"]) / "movielens-1m" / "derived" / "ratings_no_timestamp.csv.gz"
    columns = {"user_column": "userId", "item_column": "movieId", "rating_column": "rating"}
    return run_stage(Split(), data=run_stage(Interactions(file=file, **columns)).value).value


def ranking() -> None:
    """Evaluation of all 6,040 users of MovieLens 1M, and fitting, beside implicit and RecBole."""
    import torch

    from pipeline.testing import run_stage
    from plugins.recommender import neural_stages, ranking_stages
    from plugins.recommender.evaluation import metrics
    from plugins.recommender.evaluation.lists import Candidates, top_lists

    torch.set_num_threads(1)
    split = movielens_1m()
    relevant = split.test.matrix(split.catalogue.shape)
    users = np.flatnonzero(np.diff(relevant.indptr))
    everything = np.ones(relevant.shape[1], bool)
    # implicit masks what was fitted on, RecBole the validation part too: other numbers, so ours are given both ways.
    train_only = Candidates(split.history, everything)
    both = Candidates(split.train.joined(split.validation).matrix(relevant.shape), everything)

    def judge(model: Any, candidates: Candidates = train_only) -> float:
        lists = top_lists(model, users, split.history, candidates, 10)
        counts = np.diff(relevant.indptr)[users]
        return float(metrics.per_user(metrics.hits_of(lists, relevant[users]), counts, (10,))["ndcg_at_10"].mean())

    factors = run_stage(ranking_stages.Als(factors=64, iterations=2), split=split).value
    judge(factors)
    ours = {"evaluate": min(clock(lambda: judge(factors))[1] for _ in range(5))}
    fitted = {}
    for name, stage in {
        "EASE": ranking_stages.Ease(),
        "item kNN": ranking_stages.ItemKnn(),
        "ALS": ranking_stages.Als(),
        "BPR, two epochs": neural_stages.Bpr(epochs=2),
        "BPR, six epochs": neural_stages.Bpr(epochs=6),
    }.items():
        model, cpu = clock(lambda stage=stage: run_stage(stage, split=split).value)
        value, spent = clock(lambda model=model: judge(model))
        fitted[name] = (cpu, value, judge(model, both), spent)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "split.npz"
        pairs = {
            name: np.column_stack([part.users, part.items])
            for name, part in (("train", split.train), ("test", split.test))
        }
        vectors = {"user_factors": factors.user_factors, "item_factors": factors.item_factors}
        np.savez(path, shape=relevant.shape, **pairs, **vectors)
        implicit = ask(IMPLICIT, _IMPLICIT, path)
        bench = Path(folder) / "bench"
        bench.mkdir()
        for name, part in (("train", split.train), ("valid", split.validation), ("test", split.test)):
            rows = np.column_stack([part.users, part.items])
            header = "user_id:token\titem_id:token"
            np.savetxt(bench / f"bench.{name}.inter", rows, fmt="%d", delimiter="\t", header=header, comments="")
        recbole = ask(RECBOLE, _RECBOLE, Path(folder))
    rows = [
        (name, cpu, cpu / ours["evaluate"])
        for name, cpu in (
            ("ours", ours["evaluate"]),
            ("implicit", implicit["evaluate"]),
            ("RecBole, its defaults: a user at a time", recbole["evaluate, default batch"]),
            ("RecBole, batches of 54 users, its fastest", recbole["evaluate"]),
        )
    ]
    title = "Six metrics at 10, full ranking, 64 factors, all users of MovieLens 1M (targets: implicit 2, RecBole 10)"
    table(title, rows, ("", "CPU s", "times ours"))
    lines: list[tuple[object, ...]] = [(f"{name}, ours", *values) for name, values in fitted.items()]
    for name in ("EASE", "ItemKNN"):
        cpu, value, spent = recbole[name]
        lines.append((f"{name}, RecBole", cpu, "", value, spent))
    lines += [(f"{name}, implicit", *implicit[name], "", "") for name in implicit if name != "evaluate"]
    table(
        "Fitting on MovieLens 1M (800,000 interactions)",
        lines,
        ("", "fit CPU s", "NDCG@10, train masked", "and validation", "evaluation CPU s"),
    )


def ratings() -> None:
    """Five fixed folds of MovieLens 100K beside Surprise."""
    from pipeline.testing import run_stage
    from plugins.recommender import rating_stages
    from plugins.recommender.stages import EvaluateRatings, Folds, Interactions

    data = run_stage(Interactions(dataset="movielens-100k")).value
    folds = run_stage(Folds(given=True), data=data).value
    rows: list[tuple[object, ...]] = []
    for name, stage in {
        "baseline": rating_stages.RatingBaseline(),
        "kNN baseline": rating_stages.KnnBaseline(),
        "biased MF": rating_stages.BiasedMf(),
        "SVD++": rating_stages.Svdpp(),
        "Bayesian MF": rating_stages.BayesianMf(),
    }.items():
        models, cpu = clock(lambda stage=stage: run_stage(stage, folds=folds).value)
        metrics = run_stage(EvaluateRatings(), model=models, folds=folds).metrics
        rows.append((f"{name}, ours", metrics["rmse"], cpu / 5))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folds.npz"
        f = folds.feedback
        np.savez(path, users=f.users, items=f.items, ratings=f.ratings, fold=folds.fold)
        rows += [(f"{name}, Surprise", *values) for name, values in ask(SURPRISE, _SURPRISE, path).items()]
    cells = [(name, f"{rmse:.4f}", cpu) for name, rmse, cpu in rows]
    table("Ratings, the five fixed folds of MovieLens 100K", cells, ("", "RMSE", "fit CPU s a fold"))


def memory() -> None:
    """A million users by 100,000 items, generated, each user with something to find: time, and peak memory in all."""
    import resource

    from plugins.recommender.evaluation import metrics
    from plugins.recommender.evaluation.lists import Candidates, top_lists
    from plugins.recommender.models.factors import Factors
    from plugins.recommender.types import Feedback

    rng = np.random.default_rng(0)
    shape = (1_000_000, 100_000)
    users = np.repeat(np.arange(shape[0], dtype=np.int32), 12)
    items = (shape[1] * rng.random(len(users)) ** 3).astype(np.int32)
    test = np.arange(len(users)) % 12 == 0
    taken = Feedback(users[~test], items[~test]).matrix(shape)
    relevant = Feedback(users[test], items[test]).matrix(shape)
    vectors = (rng.standard_normal((n, 32), dtype=np.float32) for n in shape)
    model = Factors(*vectors, np.zeros(shape[1], np.float32))
    judged = np.arange(shape[0])
    candidates = Candidates(taken, np.ones(shape[1], bool))

    def judge() -> None:
        lists = top_lists(model, judged, taken, candidates, 10)
        metrics.per_user(metrics.hits_of(lists, relevant), np.diff(relevant.indptr), (10,))

    _, cpu = clock(judge)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows = [
        ("users evaluated", len(judged)),
        ("CPU s", cpu),
        ("peak memory, GiB (target: below 8)", peak),
    ]
    table("A million users by 100,000 items, 32 factors, full ranking", rows, ("", ""))


PARTS = {"ranking": ranking, "ratings": ratings, "memory": memory}

if __name__ == "__main__":
    if "PIPELINE_DATA" not in os.environ:
        sys.exit(
            "recommender.py needs PIPELINE_DATA: a folder with movielens-100k and movielens-1m. Nothing was measured."
        )
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()

"""What `--register` leaves: a model in MLflow that takes user ids and returns items, also where our code is not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import Pipeline
from pipeline.registry import register

PIPELINE = """\
name: serving
stages:
  data: {uses: recommender.interactions, with: {n_users: 60, n_items: 40}}
  split: {uses: recommender.split}
  model: {uses: recommender.item_knn}
  top: {uses: recommender.recommend, with: {count: 3}}
"""

ELSEWHERE = """\
import json, sys, mlflow, numpy as np, pandas as pd
sys.path = [place for place in sys.path if place not in (sys.argv[3], "", ".")]
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
ids = ["user-0007", "user-0011"]
print(json.dumps([model.predict(np.array(ids)).tolist(), model.predict(pd.DataFrame({"user": ids})).tolist()]))
"""


@pytest.mark.slow
def test_a_process_without_our_code_gets_items_for_user_ids(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    file = tmp_path / "serving.yaml"
    file.write_text(PIPELINE)
    result = Pipeline.load(file).run()

    uri = register(result, "films").extra["registered"]["uri"]

    arguments = [result.tracking_uri, uri, str(Path(__file__).parents[3])]
    done = subprocess.run(
        [sys.executable, "-P", "-c", ELSEWHERE, *arguments],
        capture_output=True, text=True, check=True, cwd="/", env={"PATH": ""},
    )  # fmt: skip
    from_array, from_frame = json.loads(done.stdout.splitlines()[-1])
    assert result.artifact("top").predict(["user-0007", "user-0011"]).tolist() == from_array == from_frame

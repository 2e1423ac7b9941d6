"""A run's model in MLflow's registry, with the real database."""

import pytest

from pipeline import Pipeline, PipelineError
from pipeline.registry import register

STAGES = """\
stages:
  images: {uses: data.images, with: {dataset: digits, limit: 200}}
"""


@pytest.fixture
def digits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    file = tmp_path / "digits.yaml"
    file.write_text(STAGES)
    return file


@pytest.mark.slow
def test_the_model_of_a_run_is_registered_and_can_be_loaded(digits, monkeypatch):
    digits.write_text(STAGES + "  model: {uses: vae.fit, with: {epochs: 1, hidden: [16], latent_dim: 2}}\n")
    result = Pipeline.load(digits).run()

    registered = register(result, "digits").extra["registered"]

    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", result.tracking_uri)
    mlflow.set_tracking_uri(result.tracking_uri)
    inputs = result.artifact("images").test.scaled()[:3]
    answer = mlflow.pyfunc.load_model(registered["uri"]).predict(inputs)
    assert ("1", "champion") == (registered["version"], registered["alias"])
    assert len(inputs) == len(answer)


def test_a_pipeline_without_a_model_says_so(digits):
    result = Pipeline.load(digits).run()

    with pytest.raises(PipelineError, match="no stage of this pipeline returns a Predictor"):
        register(result, "digits")

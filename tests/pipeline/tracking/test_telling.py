"""What MLflow's pages say in words: the experiment, a run's result, its data, and how to do it again."""

from pipeline.records import RunOutcome, StageOutcome
from pipeline.tracking.telling import dataset, ended_description


def test_an_experiment_and_its_run_are_told_in_words(new_run, tracking, client):
    run = new_run(
        description="One variant", about="Is wider better?", params={"images.size": 8, "images.dataset": "digits"},
        tags={"pipeline.kind": "run"}, directions={"quality/elbo": "max"},
    )  # fmt: skip
    stages = (
        StageOutcome("images", "data.images", False, 1.0, "d" * 64, source=True),
        StageOutcome("quality", "vae.evaluate", False, 1.0, "e" * 64),
    )
    tracking.pipeline_run_started(run)
    tracking.pipeline_run_finished(run, RunOutcome("finished", {"model/kl": 1.0, "quality/elbo": -7.5}, stages))
    report = tracking.finish()

    assert (True, ()) == (report.complete, report.warnings)
    recorded = client.get_run(report.run_ids[run.id])
    note = recorded.data.tags["mlflow.note.content"]
    assert note.startswith("One variant")
    assert "| quality/elbo&emsp; | -7.5&emsp; | higher is better&emsp; |" in note
    assert "model/kl" not in note
    assert f"`pipeline reproduce {recorded.info.run_id[:12]}`" in note
    data = [(used.dataset.name, used.dataset.digest) for used in recorded.inputs.dataset_inputs]
    assert [("images digits", "d" * 12)] == data
    assert "Is wider better?" == client.get_experiment_by_name("digits").tags["mlflow.note.content"]


def test_an_experiments_description_follows_the_file_until_somebody_writes_another(client, folder):
    from pipeline.tracking.location import Location
    from pipeline.tracking.server import Server

    def describe(about: str) -> str:
        server = Server(Location.of(folder))
        server.describe("digits", about)
        return client.get_experiment_by_name("digits").tags["mlflow.note.content"]

    assert "first" == describe("first")
    assert "second" == describe("second")
    client.set_experiment_tag(client.get_experiment_by_name("digits").experiment_id, "mlflow.note.content", "mine")
    assert "mine" == describe("third")


def test_a_failure_says_where_and_why(new_run):
    run = new_run(description="One variant", tags={"pipeline.kind": "run"})
    outcome = RunOutcome("failed", error="loss is not finite\nat epoch 3", failed_stage="model")

    assert "**Failed in model**: loss is not finite" in ended_description(run, outcome)


def test_what_a_stage_said_stands_above_its_numbers(new_run):
    run = new_run(tags={"pipeline.kind": "run"})
    outcome = RunOutcome("finished", {"verdict/r2": 1.0}, sentences={"verdict/formula": "y = a*b*c"})
    told = ended_description(run, outcome)

    assert told.index("verdict/formula:\n\n    y = a*b*c") < told.index("| verdict/r2")


def test_data_without_a_name_is_told_by_its_stage(new_run):
    stage = StageOutcome("made", "data.made", False, 1.0, "d" * 64, source=True)

    assert "made" == dataset(new_run(params={"made.rows": 10}), stage)["name"]

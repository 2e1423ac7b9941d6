"""What a user gets: a wheel that works outside the repository, the module as a command, the hook for pre-commit."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LIBRARIES = next(Path(path) for path in sys.path if (Path(path) / "pydantic").is_dir())


def done(*command: object, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command of a user who knows nothing of this repository; it must succeed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [str(word) for word in command], cwd=folder, env=environment | settings, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that nothing is left in the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    files = ["pyproject.toml", "README.md", "LICENSE", "pipeline", "plugins"]
    subprocess.run(["cp", "-r", *(ROOT / name for name in files), "--target-directory", _made(source)], check=True)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done(*pip, "--wheel-dir", folder, source, folder=folder)
    return next(folder.glob("*.whl"))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_a_wheel_runs_a_pipeline_outside_the_repository(wheel, tmp_path):
    pytest.importorskip("setuptools")
    venv.create(tmp_path / "venv")
    (libraries,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    # The libraries of this environment without what its own .pth files add: the repository among them.
    (libraries / "theirs.pth").write_text(f"{LIBRARIES}\n")
    python, pipeline = tmp_path / "venv/bin/python", tmp_path / "venv/bin/pipeline"
    install = ["install", "--quiet", "--no-deps", "--no-index", wheel]
    done(sys.executable, "-m", "pip", "--python", python, *install, folder=tmp_path)
    work = _made(tmp_path / "work")
    where = "import pipeline, plugins; print(pipeline.__file__, *plugins.__path__)"

    found = done(python, "-c", where, folder=work).stdout.split()
    done(pipeline, "new", "pipeline", "darts", folder=work)
    settings = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    done(pipeline, "check", "darts.yaml", "--trust", folder=work, **settings)
    run = ["run", "darts.yaml", "darts=few", "seeds=1", "--json"]
    result = yaml.safe_load(done(pipeline, *run, folder=work, **settings).stdout)

    assert all(path.startswith(str(libraries)) for path in found)
    assert "finished" == result["status"]
    assert "vae.fit" in done(pipeline, "stages", folder=work).stdout


@pytest.mark.slow
def test_the_wheel_has_types_schema_templates_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()

    assert {"pipeline/py.typed", "pipeline/pipeline.schema.json"} <= set(names)
    assert {Path(name).name for name in names if "templates/" in name} == {
        path.name for path in (ROOT / "pipeline/templates").iterdir()
    }
    assert not [name for name in names if re.match(r"(tests|docs|benchmarks)/", name)]


def test_the_module_is_the_command():
    told = done(sys.executable, "-m", "pipeline", "--version", folder=ROOT).stdout

    assert re.fullmatch(r"pipeline, version \d+\.\d+\.\d+\n", told)


def test_the_pre_commit_hook_checks_pipeline_files():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    files = [f"pipelines/{path.name}" for path in (ROOT / "pipelines").glob("*.yaml")]

    program, *words = shlex.split(hook["entry"])
    done(sys.executable, "-m", program, *words, *files, folder=ROOT)

    assert all(re.search(hook["files"], name) for name in files)
    assert {"id", "name", "language"} <= hook.keys()

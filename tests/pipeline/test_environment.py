import json
import subprocess
from importlib.metadata import version

import pytest

from pipeline import environment
from pipeline.environment import git_state


@pytest.fixture
def repository(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-b", "trunk")
    (tmp_path / "code.py").write_text("a = 1\n")
    git("add", ".")
    git("commit", "-m", "first")
    return tmp_path


def test_a_clean_tree_is_its_commit(repository):
    state = git_state(repository)

    assert (40, "trunk", "", (), False) == (len(state.commit), state.branch, state.diff, state.untracked, state.changed)


def test_a_changed_tree_is_its_commit_and_the_difference(repository):
    (repository / "code.py").write_text("a = 2\n")
    (repository / "neu ü.py").write_text("")

    state = git_state(repository)

    assert "-a = 1\n+a = 2\n" in state.diff
    assert ("neu ü.py",) == state.untracked
    assert state.changed


def test_our_own_files_are_no_change(repository):
    (repository / ".pipeline").mkdir()
    (repository / ".pipeline" / "x").write_text("")
    (repository / "mlflow.db").write_text("")

    assert not git_state(repository).changed


def test_a_huge_difference_is_cut_and_says_so(repository, monkeypatch):
    monkeypatch.setattr(environment, "LONGEST_DIFF", 1000)
    (repository / "code.py").write_text("b = 1\n" * 1000)

    diff = git_state(repository).diff

    assert len(diff) < 1100
    assert diff.rstrip().endswith("bytes in all]")


def test_a_folder_without_git_or_without_a_commit_has_no_state(tmp_path, monkeypatch):
    assert git_state(tmp_path) is None
    subprocess.run(["git", "init"], cwd=tmp_path, check=True, capture_output=True)
    assert git_state(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert git_state(tmp_path) is None


def test_requirements_are_the_installed_versions():
    assert f"pydantic=={version('pydantic')}" in environment.requirements().splitlines()


def test_the_facts_are_written_once(repository, tmp_path):
    folder = tmp_path / "environment"
    (repository / "code.py").write_text("a = 2\n")

    environment.write(repository, folder)
    facts = json.loads((folder / "environment.json").read_text())
    (repository / "code.py").write_text("a = 3\n")
    environment.write(repository, folder)

    assert ("trunk", True) == (facts["git"]["branch"], facts["git"]["changed"])
    assert facts["memory"] > 0
    assert "+a = 2" in (folder / "git.diff").read_text()
    assert "pydantic==" in (folder / "requirements.txt").read_text()

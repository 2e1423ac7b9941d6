"""What is installed is read once, and again as soon as something comes, goes or changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline import installed
from pipeline.installed import Offer, offers

GROUP = "things.offered"


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """A folder on the path with one distribution that offers something."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    install(folder, "one", "first = one.things")
    return folder


def install(site: Path, name: str, points: str, more: str = "") -> None:
    info = site / f"{name}-1.0.dist-info"
    shutil.rmtree(info, ignore_errors=True)
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{more}")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")


def test_what_is_offered_is_read_once(site, monkeypatch):
    first = offers(GROUP)
    monkeypatch.setattr(installed, "_distributions", lambda group: pytest.fail("it was read again"))

    assert [Offer("first", "one.things", "one", "1.0", ("first",), ())] == first == offers(GROUP)


def test_a_distribution_that_comes_or_goes_is_seen(site):
    offers(GROUP)
    install(site, "two", "second = two")
    assert ["first", "second"] == sorted(offer.name for offer in offers(GROUP))

    shutil.rmtree(site / "one-1.0.dist-info")
    assert ["second"] == [offer.name for offer in offers(GROUP)]


def test_another_installation_of_the_same_version_is_seen(site):
    offers(GROUP)
    install(site, "one", "other = one.things")
    assert ["other"] == [offer.name for offer in offers(GROUP)]


def test_entry_points_that_are_written_anew_in_place_are_seen(site):
    offers(GROUP)
    (site / "one-1.0.dist-info" / "entry_points.txt").write_text(f"[{GROUP}]\nthird = one.things\n")
    assert ["third"] == [offer.name for offer in offers(GROUP)]


def test_a_requirement_is_missing_until_it_is_installed(site):
    install(site, "one", "first = one.things", 'Provides-Extra: first\nRequires-Dist: two>=1; extra == "first"\n')
    assert ("two",) == offers(GROUP)[0].missing

    install(site, "two", "second = two")
    assert () == next(offer.missing for offer in offers(GROUP) if offer.name == "first")


def test_what_was_kept_in_another_form_is_read_again(site, monkeypatch):
    monkeypatch.setattr(installed.memo, "recall", lambda kind, name: {"installed": 1})
    assert ["first"] == [offer.name for offer in offers(GROUP)]


def test_an_attribute_of_a_module_is_loaded():
    assert Path is Offer("", "pathlib:Path", "", "", (), ()).load()
    assert Path.cwd() == Offer("", "pathlib : Path.cwd", "", "", (), ()).load()()

"""MLflow's interface in a real browser: what somebody finds there after a run, a comparison and a sweep."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

HERE = Path(__file__).parent
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
# Nothing that reaches out: neither updates nor accounts.
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
FLAGS += " --disable-component-update --disable-sync"
PATIENCE_MS = 60_000


def pipeline(*words: str) -> list[str]:
    return [sys.executable, "-m", "pipeline", *words]


@pytest.fixture(scope="module")
def browser_kit():
    if BROWSER is None:
        pytest.skip("chromium is not installed")
    return pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return kept | {"PYTHONPATH": str(HERE.parents[1]), "XDG_CONFIG_HOME": str(tmp_path_factory.mktemp("config"))}


@pytest.fixture(scope="module")
def recorded(browser_kit, environment, tmp_path_factory) -> Path:
    """A folder with a comparison, a run and a sweep in one experiment."""
    folder, file = tmp_path_factory.mktemp("recorded"), str(HERE / "decay.yaml")
    for words in (["run", file], ["run", file, "damp=fast", "seed=7"], ["sweep", file, "damp=fast"]):
        subprocess.run(pipeline(*words, "--trust"), cwd=folder, env=environment, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def address(recorded, environment) -> Iterator[str]:
    with subprocess.Popen(pipeline("ui"), cwd=recorded, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            lines = (re.match(r"http://\S+", line) for line in server.stdout)
            yield next(found[0] for found in lines if found)
        finally:
            server.send_signal(signal.SIGINT)


@pytest.fixture
def page(browser_kit, address, tmp_path) -> Iterator[Page]:
    """The first page: MLflow's list of the newest experiment's runs."""
    with browser_kit.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=BROWSER, args=FLAGS.split(), viewport={"width": 2000, "height": 1000}
        )
        context.set_default_timeout(PATIENCE_MS)
        browser_kit.expect.set_options(timeout=PATIENCE_MS)
        page = context.new_page()
        page.goto(address, wait_until="commit")
        yield page
        context.close()


def row(page: Page, name: str) -> Locator:
    return page.locator(".ag-row", has=page.get_by_role("link", name=name, exact=True)).first


def unfold(page: Page, name: str) -> None:
    row(page, name).get_by_role("button").first.click()


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_the_runs_of_an_experiment_are_found_understood_and_compared(page, browser_kit):
    expect = browser_kit.expect

    expect(page.get_by_text("How fast does the signal vanish?").first).to_be_visible()
    expect(page.get_by_text("source step").first).to_be_visible()
    for of_language_models in ("Prompts", "Judges", "Ask questions about your experiments"):
        expect(page.get_by_text(of_language_models)).to_have_count(0)
    unfold(page, "decay")
    for child in ("slow seed 0", "fast seed 0"):
        expect(row(page, child)).to_be_visible()
    for child in ("slow seed 0", "fast seed 0"):
        row(page, child).get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("Comparing 2 Runs from 1 Experiment")).to_be_visible()
    expect(page.get_by_text("damp.rate").first).to_be_visible()


def test_a_run_tells_what_was_run_on_what_data_with_what_result_and_how_to_repeat_it(page, browser_kit):
    expect = browser_kit.expect

    page.get_by_role("link", name="fast seed 7", exact=True).click()
    for text in ("(decay_stages.source) → damp", "data: source from", "score/left", "lower is better"):
        expect(page.get_by_text(text).first).to_be_attached()
    expect(page.get_by_text(re.compile("pipeline reproduce [0-9a-f]{12}")).first).to_be_attached()
    open_tab(page, "Model metrics")
    for group in (r"damp\s*\(2\)", r"score\s*\(1\)"):
        expect(page.get_by_text(re.compile(group)).first).to_be_attached()
    open_tab(page, "Artifacts")
    page.get_by_text("damp", exact=True).click()
    page.get_by_text("decay.png").click()
    page.wait_for_function("[...document.images].some(image => image.naturalWidth > 300)")


def test_a_sweeps_report_is_shown_inside_the_artifact_pane(page, browser_kit):
    page.get_by_role("link", name="sweep random", exact=True).click()
    open_tab(page, "Artifacts")
    page.get_by_text("report.html", exact=True).click()

    report = page.frame_locator("iframe")
    browser_kit.expect(report.get_by_text("Sweep of decay")).to_be_visible()
    browser_kit.expect(report.get_by_text("best so far").first).to_be_attached()

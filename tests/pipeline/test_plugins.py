"""Plugins are found, and a bad one is named and disturbs nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from pipeline.errors import RequestError
from pipeline.hooks import hookimpl
from pipeline.plugins import Plugins
from pipeline.records import Metrics, Run

GOOD = """
from pipeline import Stage, hookimpl

class Double(Stage):
    '''Double a number.'''
    number: float = 1.0
    def run(self) -> float:
        return 2 * self.number

@hookimpl
def pipeline_stages():
    return [Double]
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution with one plugin, as pip would: a module and its metadata on the path."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules = []

    def write(name: str, code: str = GOOD, *, distribution: str = "", version: str = "1.2", requires: str = "",
              extras: str = "") -> None:  # fmt: skip
        distribution = distribution or f"{name}-plugin"
        module = distribution.replace("-", "_")
        modules.append(module)
        (site / f"{module}.py").write_text(dedent(code))
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{requires}")
        (info / "entry_points.txt").write_text(f"[pipeline.plugins]\n{name} = {module}{extras}\n")

    yield write
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def local(tmp_path, monkeypatch):
    """Writes a local plugin file, for a user who has trusted nothing yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def write(code: str = GOOD, name: str = "mine.py") -> Path:
        path = tmp_path / name
        path.write_text(dedent(code))
        return path

    return write


def trusting(path: Path) -> bool:
    return True


def test_an_installed_plugin_offers_its_stages_under_its_name(install):
    install("demo")

    plugins = Plugins.load()

    plugin = plugins.found["demo"]
    assert ("1.2", "demo-plugin", "loaded") == (plugin.version, plugin.origin, plugin.state)
    assert ("demo.double",) == plugin.stages
    assert plugins.stage("demo.double")(number=4).run() == 8


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('the moon is wrong')", "ValueError: the moon is wrong"),
        ("import nowhere_to_be_found", "needs the module 'nowhere_to_be_found', which is not installed"),
        ("from pipeline import Stagge", "cannot import name 'Stagge'"),
        ("def broken(:", "demo_plugin.py:1: "),
        ("import sys\nsys.exit('bye')", "SystemExit: bye"),
        (GOOD.replace("return [Double]", "return ['Double']"), "must return classes derived from Stage. Got 'Double'"),
        (GOOD.replace("return [Double]", "return [int]"), "must return classes derived from Stage. Got <class 'int'>"),
        (GOOD.replace("return [Double]", "raise OSError('gone')"), "OSError: gone"),
        (GOOD.replace("-> float", ""), "does not say what it returns"),
        (GOOD.replace("pipeline_stages", "pipeline_stagges"), "unknown hook 'pipeline_stagges'"),
        (GOOD.replace("pipeline_stages()", "pipeline_stages(project)"), "'project'"),
    ],
)
def test_a_broken_plugin_is_named_with_its_reason_and_disturbs_nothing_else(install, code, reason):
    install("demo", code)
    install("other", distribution="another-plugin")

    plugins = Plugins.load()

    assert plugins.found["demo"].state == "broken"
    assert reason in plugins.found["demo"].reason
    assert ("loaded", "loaded") == (plugins.found["other"].state, plugins.found["data"].state)
    assert plugins.stage("other.double")
    with pytest.raises(RequestError, match="the plugin 'demo' could not be loaded: "):
        plugins.stage("demo.double")


def test_of_two_plugins_of_one_name_the_second_is_broken_and_both_are_named(install):
    install("demo", distribution="a-demo")
    install("demo", distribution="b-demo")

    plugins = Plugins.load()

    assert ("a-demo", "loaded") == (plugins.found["demo"].origin, plugins.found["demo"].state)
    second = plugins.found["demo (b-demo)"]
    assert second.state == "broken"
    assert "both a-demo and b-demo offer a plugin named 'demo'; uninstall one of them" == second.reason


def test_ours_keeps_its_name_against_a_newcomer(install):
    install("data", distribution="a-data")

    assert Plugins.load().found["data"].origin == "experiment-pipeline"


@pytest.mark.parametrize(("extra", "written"), [("deep", ":hooks [deep]"), ("demo", "")])
def test_a_missing_extra_is_told_as_its_install_command(install, extra, written):
    needed = f"Requires-Dist: surely-not-installed>=1; extra == '{extra}'\nRequires-Dist: click\n"
    install("demo", "import surely_not_installed", requires=f"Provides-Extra: {extra}\n{needed}", extras=written)

    plugin = Plugins.load().found["demo"]

    assert plugin.state == "broken"
    assert f"needs surely-not-installed: pip install 'demo-plugin[{extra}]'" == plugin.reason


def test_an_extra_that_is_installed_is_no_obstacle(install):
    install("demo", requires="Provides-Extra: cli\nRequires-Dist: click; extra == 'cli'\n", extras=" [cli]")

    assert Plugins.load().found["demo"].state == "loaded"


def test_a_disabled_plugin_is_not_even_imported(install, monkeypatch):
    install("demo", "raise AssertionError('imported')")
    monkeypatch.setenv("PIPELINE_DISABLE_PLUGINS", "other, demo")

    plugins = Plugins.load()

    assert plugins.found["demo"].state == "disabled"
    with pytest.raises(RequestError, match="is disabled by PIPELINE_DISABLE_PLUGINS"):
        plugins.stage("demo.double")


@pytest.mark.parametrize(
    ("pins", "wrong"),
    [
        ({"demo": ">=1.0,<2"}, []),
        ({"demo": ">=2"}, ["needs the plugin 'demo' >=2, but 1.2 is installed (demo-plugin)"]),
        ({"absent": ">=1"}, ["needs the plugin 'absent' >=1, which is not installed"]),
        ({"demo": "newest"}, ["'newest' is not a version range such as '>=0.1,<2'"]),
    ],
)
def test_version_pins_are_checked(install, pins, wrong):
    install("demo")

    assert wrong == [message for _, message in Plugins.load().require(pins)]


def test_a_development_version_satisfies_a_pin(install):
    install("demo", version="2.0.dev1")

    assert [] == list(Plugins.load().require({"demo": ">=1"}))


@pytest.mark.parametrize(
    ("uses", "message"),
    [
        ("demo.duble", "Did you mean 'demo.double'?"),
        ("demo.xyz", "Known: plugin 'demo' has demo.double."),
        ("nothing", "Known: there are "),
    ],
)
def test_an_unknown_stage_is_told_what_there_is(install, uses, message):
    install("demo")

    with pytest.raises(RequestError) as caught:
        Plugins.load().stage(uses)

    assert message in str(caught.value)


def test_a_local_file_is_refused_until_it_is_trusted_and_then_remembered(local):
    path = local()

    with pytest.raises(RequestError, match="has not been trusted yet"):
        Plugins.load().add_local(path)
    Plugins.load().add_local(path, may_trust=trusting)
    remembered = Plugins.load()
    remembered.add_local(path)

    assert remembered.stage("mine.double")
    assert str(path) == remembered.found["mine"].origin


def test_trust_is_for_one_content_wherever_the_file_is(local, tmp_path):
    path = local()
    Plugins.load().add_local(path, may_trust=trusting)

    local(GOOD.replace("2 *", "3 *"))
    with pytest.raises(RequestError, match="or has changed since"):
        Plugins.load().add_local(path)
    local(GOOD)
    Plugins.load().add_local(path)


def test_a_neighbour_that_is_imported_counts_for_trust(local):
    neighbour = local("FACTOR = 2\n", "neighbour_of_mine.py")
    path = local("from neighbour_of_mine import FACTOR\n" + GOOD)
    Plugins.load().add_local(path, may_trust=trusting)

    neighbour.write_text("FACTOR = 3\n")

    with pytest.raises(RequestError, match="has not been trusted yet"):
        Plugins.load().add_local(path)


def test_who_may_trust_is_asked_once_for_each_content(local):
    asked: list[Path] = []

    def ask(path: Path) -> bool:
        asked.append(path)
        return True

    path = local()
    for _ in range(3):
        Plugins.load().add_local(path, may_trust=ask)

    assert [path] == asked


def test_nothing_of_an_untrusted_file_is_run(local, tmp_path):
    path = local(f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n" + GOOD)

    with pytest.raises(RequestError):
        Plugins.load().add_local(path)

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        ("raise ValueError('no')", "mine.py", "cannot be imported: ValueError: no"),
        ("import sys\nsys.exit(3)", "mine.py", "cannot be imported: SystemExit: 3"),
        (GOOD.replace("return [Double]", "return 3"), "mine.py", "cannot be used: TypeError"),
        (GOOD, "data.py", "has the name of the plugin 'data' from experiment-pipeline"),
        (GOOD, "mine.txt", "is not a Python file"),
    ],
)
def test_a_local_file_that_cannot_be_used_is_told(local, code, name, message):
    with pytest.raises(RequestError) as caught:
        Plugins.load().add_local(local(code, name), may_trust=trusting)

    assert message in str(caught.value)


def test_a_missing_local_file_is_told_what_was_meant(local, tmp_path):
    local(name="my_stages.py")

    with pytest.raises(RequestError) as caught:
        Plugins.load().add_local(tmp_path / "my_stage.py")

    assert "the plugin file my_stage.py does not exist" in str(caught.value)
    assert "Did you mean 'my_stages.py'?" in str(caught.value)


def test_a_local_file_shadows_nothing(local):
    path = local(GOOD, "json.py")

    Plugins.load().add_local(path, may_trust=trusting)
    import json

    assert json.loads("1") == 1


def test_an_observer_that_raises_is_named_and_not_called_again(install, capfd):
    class Grumpy:
        calls = 0

        @hookimpl
        def pipeline_record(self, record):
            Grumpy.calls += 1
            raise RuntimeError("not today")

    class Calm:
        def __init__(self) -> None:
            self.seen: list[str] = []

        @hookimpl
        def pipeline_record(self, stage, record):
            self.seen.append(stage)

    plugins = Plugins.load()
    plugins.observe(Grumpy())
    plugins.observe(calm := Calm())

    for stage in ("one", "two"):
        plugins.notify("pipeline_record", run=Run("r", "e", "n"), stage=stage, record=Metrics({}, None, 0.0))

    assert (1, ["one", "two"]) == (Grumpy.calls, calm.seen)
    assert "failed in pipeline_record and is left out: RuntimeError: not today" in capfd.readouterr().err


def test_plugins_offer_codecs_and_data_sets(install):
    install(
        "demo",
        """
        from fractions import Fraction
        from pipeline import hookimpl
        from pipeline.codecs import Codec
        from pipeline.datasets import Dataset

        @hookimpl
        def pipeline_codecs():
            return [Codec("fractions:Fraction", encode=str, decode=Fraction)]

        @hookimpl
        def pipeline_datasets():
            return [Dataset("iris-csv", "Iris", files=(), licence="CC0-1.0", citation="Fisher 1936")]
        """,
    )

    plugins = Plugins.load()

    assert "fractions:Fraction" in [codec.name for codec in plugins.codecs()]
    assert plugins.datasets()["iris-csv"].title == "Iris"
    assert "demo_plugin" in plugins.packages

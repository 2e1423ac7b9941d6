import importlib
import importlib.util
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from importlib.machinery import all_suffixes
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipeline import code, memo
from pipeline.code import Code, modules, reach, source_digest, syntax
from pipeline.codecs import digest_of
from pipeline.stage import Stage

STAGES = '''
"""The menu."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline import Stage
from project import helpers
from project.registry import register

if TYPE_CHECKING:
    from project.heavy import Heavy

RATE = 0.1


def scale(value):
    """Scale it."""
    return value * RATE


class Fit(Stage):
    """Fit it."""

    rate: float = RATE  # the learning rate

    def run(self) -> float:
        from project.sub import lazy
        return lazy.work(scale(1))


class Evaluate(Stage):
    def run(self, heavy: Heavy) -> float:
        return helpers.judge(np.ones(3))


def pipeline_stages():
    return [Fit, Evaluate]
'''

PROJECT = {
    "__init__.py": '"""A project."""',
    "stages.py": STAGES,
    "helpers.py": "from . import deep\nfrom .deep import judge\nimport yaml, json\n",
    "deep.py": "def judge(values):\n    return sum(values)\n",
    "heavy.py": "import torch\nclass Heavy: ...\n",
    "registry.py": "KNOWN = {}\ndef register(f):\n    KNOWN[f.__name__] = f\n    return f\n",
    "unreached.py": "x = 1\n",
    "sub/__init__.py": "LOADED = True\n",
    "sub/lazy.py": "from ..numbers import *\nfrom sklearn.linear_model import Ridge\ndef work(x): return double(x)\n",
    "numbers.py": "def double(x):\n    return 2 * x\n",
}


class Project:
    """A package on disk that can be edited and imported again."""

    def __init__(self, root: Path, name: str = "project") -> None:
        self.root, self.name = root, name

    def write(self, name: str, text: str) -> None:
        path = self.root / self.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / self.name / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def stages(self, name: str = "stages") -> ModuleType:
        for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == self.name]:
            del sys.modules[loaded]
        importlib.invalidate_caches()
        return importlib.import_module(f"{self.name}.{name}")

    def reach(self, cls: str = "Fit") -> Code:
        return reach(getattr(self.stages(), cls))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two edits within a second must not meet an old .pyc
    monkeypatch.setattr(memo, "_folder", lambda: tmp_path / "memo")
    made = Project(tmp_path)
    for name, text in PROJECT.items():
        made.write(name, text)
    yield made
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == "project"]:
        del sys.modules[loaded]


def own(code: Code) -> set[str]:
    return {name.removeprefix("project.") for name in code.modules if name.startswith("project")}


def test_a_stage_reaches_what_it_uses_and_nothing_else(project: Project) -> None:
    assert {"stages:Fit", "stages:RATE", "stages:scale", "stages:import", "sub", "sub.lazy", "numbers"} == own(
        project.reach()
    )
    assert {"stages:Evaluate", "stages:import", "helpers", "deep"} == own(project.reach("Evaluate"))


def test_libraries_are_those_that_the_reached_code_imports(project: Project) -> None:
    assert {"sklearn": modules.library_version("sklearn")} == project.reach().libraries
    assert {"numpy", "yaml"} == set(project.reach("Evaluate").libraries)


def test_the_base_class_is_reached_through_the_names_that_pipeline_imports_on_first_use(project: Project) -> None:
    assert "pipeline.stage" in project.reach().modules


UNCHANGED: dict[str, Callable[[Project], None]] = {
    "a comment": lambda p: p.edit("stages.py", "# the learning rate", "# how fast it learns"),
    "a docstring": lambda p: p.edit("stages.py", '"""Scale it."""', '"""Scale it\n\n    by the rate.\n    """'),
    "the layout": lambda p: p.edit("stages.py", "return value * RATE", "return (\n        value\n        * RATE)"),
    "a lazily imported helper's docstring": lambda p: p.edit("sub/lazy.py", ": return", ':\n    "Twice."\n    return'),
    "another stage": lambda p: p.edit("stages.py", "np.ones(3)", "np.ones(4)"),
    "another stage's helper": lambda p: p.edit("deep.py", "sum(values)", "max(values)"),
    "a module that nothing reaches": lambda p: p.edit("unreached.py", "1", "2"),
    "what only type checkers import": lambda p: p.edit("stages.py", "project.heavy import", "project.deep import"),
    "the order of definitions": lambda p: p.edit("stages.py", "RATE = 0.1\n", "\n\nUNUSED = 1\nRATE = 0.1\n"),
}


@pytest.mark.parametrize("edit", UNCHANGED.values(), ids=UNCHANGED)
def test_the_digest_does_not_depend_on(project: Project, edit: Callable[[Project], None]) -> None:
    before = project.reach()
    edit(project)

    assert before == project.reach()
    assert before.digest == project.reach().digest


CHANGED: dict[str, tuple[Callable[[Project], None], str]] = {
    "its own class": (lambda p: p.edit("stages.py", "scale(1)", "scale(2)"), "project.stages:Fit"),
    "a constant": (lambda p: p.edit("stages.py", "RATE = 0.1", "RATE = 0.2"), "project.stages:RATE"),
    "a function beside it": (lambda p: p.edit("stages.py", "value * RATE", "value + RATE"), "project.stages:scale"),
    "a change of what is beside it": (
        lambda p: p.edit("stages.py", "def scale", "RATE += 1\ndef scale"),
        "project.stages:RATE",
    ),
    "a helper that it imports lazily": (
        lambda p: p.edit("sub/lazy.py", "double(x)", "double(x) + 1"),
        "project.sub.lazy",
    ),
    "a helper's helper": (lambda p: p.edit("numbers.py", "2 * x", "3 * x"), "project.numbers"),
    "the package of a helper": (lambda p: p.edit("sub/__init__.py", "True", "False"), "project.sub"),
    "a default": (lambda p: p.edit("stages.py", "rate: float = RATE", "rate: float = RATE / 2"), "project.stages:Fit"),
}


@pytest.mark.parametrize(("edit", "name"), CHANGED.values(), ids=CHANGED)
def test_the_digest_depends_on(project: Project, edit: Callable[[Project], None], name: str) -> None:
    before = project.reach()
    edit(project)
    after = project.reach()

    assert before.digest != after.digest
    assert {name} == {n for n in {*before.modules, *after.modules} if before.modules.get(n) != after.modules.get(n)}


def test_an_edit_is_seen_without_importing_again(project: Project) -> None:
    fit = project.stages().Fit
    before = reach(fit)
    project.edit("numbers.py", "2 * x", "3 * x")

    assert before.digest != reach(fit).digest


def test_nothing_is_imported_to_find_out(project: Project) -> None:
    fit = project.stages().Fit
    project.edit("sub/lazy.py", "from ..numbers", "raise SystemExit\nfrom ..numbers")
    before = set(sys.modules)

    assert "project.sub.lazy" in reach(fit).modules
    assert set() == {name for name in set(sys.modules) - before if name.startswith(("project", "sklearn"))}


def test_a_library_upgrade_changes_the_digest(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = project.reach()
    monkeypatch.setattr(modules, "library_version", lambda top: "99")

    assert {"sklearn": "99"} == project.reach().libraries
    assert before.digest != project.reach().digest


@pytest.mark.parametrize("top", ["sklearn", "yaml", "PIL", "numpy", "torch", "dateutil"])
def test_versions_are_found_though_names_differ(top: str) -> None:
    if importlib.util.find_spec(top) is None:
        pytest.skip(f"needs {top}")

    assert modules.library_version(top)[0].isdigit()


def test_a_library_that_is_not_installed_is_absent(project: Project) -> None:
    project.edit("sub/lazy.py", "from sklearn.linear_model import Ridge", "import no_such_library")

    assert {"no_such_library": "absent"} == project.reach().libraries


FORMS = [
    "import project.numbers\n",
    "import project.numbers as n\n",
    "from project import numbers\n",
    "from project.numbers import double\n",
    "from project.numbers import *\n",
    "from . import numbers\n",
    "from .numbers import double\n",
    "try:\n    from .numbers import double\nexcept ImportError:\n    double = None\n",
    "import importlib\nnumbers = importlib.import_module('project.numbers')\n",
    "def load():\n    from project.numbers import double\n    return double\n",
    "class Loader:\n    def load(self):\n        import project.numbers\n",
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_import_is_followed(project: Project, form: str) -> None:
    project.write("deep.py", form + "def judge(values): ...\n")

    assert "project.numbers" in project.reach("Evaluate").modules


def test_modules_that_import_each_other_are_reached_once(project: Project) -> None:
    project.edit("numbers.py", "def double", "def more():\n    from project.sub import lazy\ndef double")

    assert {"sub.lazy", "numbers"} <= own(project.reach())


def test_a_helper_that_imports_the_stages_module_reaches_only_what_it_names(project: Project) -> None:
    project.edit("numbers.py", "def double", "def more():\n    from project.stages import RATE\ndef double")

    assert "stages:Evaluate" not in own(project.reach())


def test_a_function_in_a_registry_of_ones_own_is_reached(project: Project) -> None:
    project.edit("stages.py", "class Evaluate", "@register\ndef entered():\n    return helpers\n\n\nclass Evaluate")

    assert {"stages:entered", "registry", "helpers"} <= own(project.reach())


def test_a_function_behind_a_librarys_decorator_is_reached_by_name_only(project: Project) -> None:
    project.edit(
        "stages.py", "class Evaluate", "@np.vectorize\ndef entered(x):\n    return helpers\n\n\nclass Evaluate"
    )

    assert "stages:entered" not in own(project.reach())


def test_a_module_that_looks_up_its_definitions_counts_whole(project: Project) -> None:
    project.edit("stages.py", "value * RATE", "globals()['hidden'](value)")
    project.edit("stages.py", "class Evaluate", "def hidden(value):\n    return value\n\n\nclass Evaluate")
    before = project.reach()
    project.edit("stages.py", "    return value\n", "    return -value\n")

    assert "project.stages" in before.modules
    assert before.digest != project.reach().digest


def test_a_base_class_in_another_module_is_reached(project: Project) -> None:
    project.write(
        "base.py", "from pipeline import Stage\nclass Common(Stage):\n    def run(self) -> int:\n        return 1\n"
    )
    project.write("derived.py", "import project.base as b\nclass Own(b.Common):\n    pass\n")

    assert {"base", "derived:Own", "derived:import"} == own(reach(project.stages("derived").Own))


def test_what_an_annotation_names_as_text_is_reached(project: Project) -> None:
    project.write("quoted.py", 'class Result:\n    x = 1\nclass Own:\n    def run(self) -> "list[Result]": ...\n')

    assert {"quoted:Own", "quoted:Result"} == own(reach(project.stages("quoted").Own))


def test_types_of_the_framework_count_by_definition(project: Project) -> None:
    project.write("one.py", "from pipeline.types import Images\nclass Own:\n    def run(self) -> Images: ...\n")
    project.write("two.py", "from pipeline import types\nclass Own:\n    def run(self) -> types.TorchModel: ...\n")

    one, two = (reach(project.stages(name).Own) for name in ("one", "two"))

    assert "torch" not in one.libraries
    assert "torch" in two.libraries
    assert one.modules["pipeline.types"] != two.modules["pipeline.types"]


def test_a_package_whose_name_begins_like_the_frameworks_is_a_package_like_others(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "pipeline_project.py").write_text("import numpy\nclass Own:\n    x = numpy.e\n")
    importlib.invalidate_caches()
    named_alike = importlib.import_module("pipeline_project")

    assert {"numpy"} == set(reach(named_alike.Own).libraries)


ARTIFACT = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Model:
    weight: float

    def predict(self, x):
        return self.weight * x  # linear
"""


@pytest.mark.parametrize(("old", "new", "same"), [("# linear", "# a line", True), ("weight * x", "weight + x", False)])
def test_an_artifact_whose_methods_changed_is_another_artifact(
    project: Project, old: str, new: str, same: bool
) -> None:
    project.write("artifacts.py", ARTIFACT)
    before = digest_of(project.stages("artifacts").Model(2.0))
    project.edit("artifacts.py", old, new)

    assert same == (before == digest_of(project.stages("artifacts").Model(2.0)))


def test_a_single_file_beside_its_helpers_is_followed(project: Project, tmp_path: Path) -> None:
    (tmp_path / "project_alone.py").write_text("import project_beside\nclass Own:\n    x = project_beside.x\n")
    (tmp_path / "project_beside.py").write_text("x = 1\n")
    importlib.invalidate_caches()
    alone = importlib.import_module("project_alone")

    assert {"project_alone:Own", "project_alone:import", "project_beside"} == set(reach(alone.Own).modules)


def test_a_file_that_is_not_for_this_python_counts_by_its_bytes(project: Project) -> None:
    project.edit("numbers.py", "2 * x", "2 x")
    fit = project.stages().Fit
    before = reach(fit)
    project.edit("numbers.py", "2 x", "3 x")

    assert before.modules["project.numbers"] != reach(fit).modules["project.numbers"]


def test_the_memo_on_disk_says_the_same_as_the_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(project.root / "project" / "stages.py")
    parsed = syntax.read(path)
    monkeypatch.setattr(syntax, "_known", {})
    monkeypatch.setattr(syntax, "parse", lambda source: pytest.fail("it was parsed again"))

    assert parsed == syntax.read(path)


def test_a_damaged_memo_is_replaced(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(project.root / "project" / "stages.py")
    parsed = syntax.read(path)
    for kept in (project.root / "memo" / "syntax").iterdir():
        kept.write_text("[1, 2]")
    monkeypatch.setattr(syntax, "_known", {})

    assert parsed == syntax.read(path)


def in_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "_reached", {})
    monkeypatch.setattr(syntax, "_known", {})


def test_what_a_class_reaches_is_recalled_by_the_next_process(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = project.reach()
    in_a_new_process(monkeypatch)
    monkeypatch.setattr(code, "_Walk", lambda cls: pytest.fail("it was looked for again"))

    assert found == project.reach()


def test_an_edit_is_seen_by_the_next_process(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = project.reach()
    project.edit("numbers.py", "2 * x", "3 * x")
    in_a_new_process(monkeypatch)

    assert before.modules["project.numbers"] != project.reach().modules["project.numbers"]


def test_a_file_that_appears_is_seen_by_the_next_process(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("helpers.py", PROJECT["helpers.py"] + "def maybe():\n    from project import later\n")
    before = project.reach("Evaluate")
    project.write("later.py", "x = 1\n")
    in_a_new_process(monkeypatch)

    assert "project.later" not in before.modules
    assert "project.later" in project.reach("Evaluate").modules


def defined_in_notebook(source: str, **scope: Any) -> dict[str, Any]:
    """Definitions without a file, as a notebook or an interactive session makes them."""
    module = ModuleType("session")
    vars(module).update(scope, Stage=Stage)
    sys.modules["session"] = module
    exec(textwrap.dedent(source), vars(module))  # the interactive session is what is tested
    return vars(module)


NOTEBOOK = """
import math
LIMIT = 3
def helper(x):
    return math.sqrt(x) * LIMIT
class Own(Stage):
    def run(self) -> float:
        return helper(2)
"""


@pytest.mark.parametrize(
    ("old", "new"), [("helper(2)", "helper(3)"), ("math.sqrt(x)", "math.exp(x)"), ("LIMIT = 3", "LIMIT = 4")]
)
def test_a_class_without_a_file_depends_on_what_it_calls(old: str, new: str) -> None:
    before = reach(defined_in_notebook(NOTEBOOK)["Own"])
    same = reach(defined_in_notebook(NOTEBOOK)["Own"])
    after = reach(defined_in_notebook(NOTEBOOK.replace(old, new))["Own"])

    assert before.digest == same.digest != after.digest
    assert "pipeline.stage" in before.modules


def test_trust_covers_a_file_and_its_neighbours_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "my_stage.py").write_text("import json, helper\nfrom parts.one import x\n")
    (tmp_path / "helper.py").write_text("import further\n")
    (tmp_path / "further.py").write_text("x = 1\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").write_text("")
    (tmp_path / "parts" / "one.py").write_text("from . import two\n")
    (tmp_path / "parts" / "two.py").write_text("")
    (tmp_path / "unrelated.py").write_text("")
    before = source_digest(tmp_path / "my_stage.py")

    for name in ("my_stage.py", "helper.py", "further.py", "parts/__init__.py", "parts/one.py", "parts/two.py"):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text(text + "# a comment\n")
        assert before != source_digest(tmp_path / "my_stage.py"), name
        (tmp_path / name).write_text(text)
    (tmp_path / "unrelated.py").write_text("x = 1")

    assert before == source_digest(tmp_path / "my_stage.py")


def test_trust_does_not_depend_on_the_folder(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "my_stage.py").write_text("import helper\n")
        (tmp_path / folder / "helper.py").write_text("x = 1\n")

    assert source_digest(tmp_path / "one" / "my_stage.py") == source_digest(tmp_path / "two" / "my_stage.py")


def test_trust_covers_linked_and_compiled_neighbours(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "shared.py").write_text("x = 1\n")
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "my_stage.py").write_text("import shared, fast\nfrom ...... import x\n")
    (folder / "shared.py").symlink_to(tmp_path / "elsewhere" / "shared.py")
    seen = {source_digest(folder / "my_stage.py")}

    (tmp_path / "elsewhere" / "shared.py").write_text("x = 2\n")
    seen.add(source_digest(folder / "my_stage.py"))
    (folder / f"fast{all_suffixes()[-1]}").write_bytes(b"\x7fELF")
    seen.add(source_digest(folder / "my_stage.py"))

    assert 3 == len(seen)


def test_a_file_that_is_not_python_can_be_given_a_digest(tmp_path: Path) -> None:
    (tmp_path / "my_stage.py").write_bytes(b"\x00 def (")

    assert 64 == len(source_digest(tmp_path / "my_stage.py"))


def test_reaching_again_costs_a_look_at_the_files(project: Project) -> None:
    fit = project.stages().Fit
    reach(fit)
    began = time.process_time()

    for _ in range(20):
        reach(fit)

    assert (time.process_time() - began) / 20 < 0.002

"""Who may import whom, and how little is imported before the work starts."""

from __future__ import annotations

import ast
import graphlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.plugins import DISTRIBUTION, Plugins
from pipeline.testing import HEAVY_LIBRARIES

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(folder.parent.name for folder in (ROOT / "plugins").glob("*/stages.py"))

# From top to bottom: none of them may reach one that stands before it.
CHAIN = ["cli", "api", "sweep", "session", "runner", "plan", "spec", "errors"]


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(folder: str) -> Iterator[tuple[str, ast.Module]]:
    """Module names with their syntax trees."""
    for file in sorted((ROOT / folder).rglob("*.py")):
        yield module_of(file), ast.parse(file.read_text(), str(file))


def imports(tree: ast.Module) -> Iterator[str]:
    """What a module imports when it runs, also inside functions: not what is meant for type checkers alone."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms() -> dict[str, set[str]]:
    """The modules and packages right below ``pipeline``, with those that they import."""
    known = {
        path.stem for path in (ROOT / "pipeline").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    graph: dict[str, set[str]] = {room: set() for room in known - {"__init__"}}
    for module, tree in sources("pipeline"):
        parts = module.split(".")
        if len(parts) > 1:
            imported = {name.split(".")[1] for name in imports(tree) if name.startswith("pipeline.")}
            graph[parts[1]] |= (imported & graph.keys()) - {parts[1]}
    return graph


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_no_two_rooms_import_one_another():
    graphlib.TopologicalSorter(rooms()).prepare()


@pytest.mark.parametrize("position", range(len(CHAIN)), ids=CHAIN)
def test_imports_point_down(position):
    above = set(CHAIN[:position])

    assert not reachable(rooms(), CHAIN[position]) & above


def test_the_framework_imports_no_plugin():
    found = {
        (module, name) for module, tree in sources("pipeline") for name in imports(tree) if name.startswith("plugins")
    }

    assert found == set()


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_imports_no_other_plugin(plugin):
    own = f"plugins.{plugin}"
    found = {
        (module, name)
        for module, tree in sources(f"plugins/{plugin}")
        for name in imports(tree)
        if name.startswith("plugins.") and not f"{name}.".startswith(f"{own}.")
    }

    assert found == set()


def test_every_plugin_of_the_tree_is_registered():
    ours = {name for name, plugin in Plugins.load().found.items() if plugin.origin == DISTRIBUTION}

    assert set(PLUGINS) == ours


def loaded(code: str, *also: str) -> set[str]:
    """Which of the heavy libraries are there after running ``code`` in a new interpreter."""
    watched = {*HEAVY_LIBRARIES, *also}
    after = f"import sys; print('LOADED', *(set(sys.modules) & {watched!r}), file=sys.stderr)"
    program = f"import atexit; atexit.register(lambda: exec({after!r}))\n{code}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.strip().splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "module",
    [
        "pipeline",
        "pipeline.hooks",
        "pipeline.stage",
        "pipeline.types",
        "pipeline.plan",
        "pipeline.spec",
        "pipeline.api",
    ],
)
def test_the_framework_is_imported_without_heavy_libraries(module):
    assert loaded(f"import {module}", "numpy", "rich") == set()


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugins_menu_is_read_without_heavy_libraries(plugin):
    assert loaded(f"import plugins.{plugin}.stages", "numpy") == set()


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["check", "pipelines/quickstart.yaml"],
        ["plan", "pipelines/quickstart.yaml"],
        ["plan", "pipelines/quickstart.yaml", "--graph"],
        ["check", "pipelines/sweep/quickstart.yaml"],
        ["plan", "pipelines/sweep/quickstart.yaml"],
        ["stages"],
        ["stages", "vae.fit"],
        ["plugins"],
        ["schema"],
        ["cache"],
    ],
    ids=" ".join,
)
def test_a_command_that_runs_nothing_imports_nothing_heavy(words):
    code = f"import sys; sys.argv = ['pipeline', *{words!r}]\nfrom pipeline.cli import main\nmain()"

    assert loaded(code, "numpy") == set()

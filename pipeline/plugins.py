"""Finds and loads plugins; a broken one is isolated and named, and disturbs nothing else."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pluggy

from pipeline import hooks, trust
from pipeline.errors import Problem, RequestError, closest, listing
from pipeline.installed import Offer, offers
from pipeline.stage import Stage

if TYPE_CHECKING:
    from pipeline.codecs import Codec
    from pipeline.datasets import Dataset

DISTRIBUTION = "experiment-pipeline"
LOCAL = "local_plugins"


class Plugin(NamedTuple):
    """What is known of one plugin; ``reason`` says why it is broken, and where it can, how to mend it."""

    name: str
    version: str
    origin: str
    state: Literal["loaded", "broken", "disabled"]
    reason: str = ""
    stages: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


@dataclass
class Plugins:
    """The loaded plugins and all that they offer.

    unavailable: names of local plugins whose failure has been reported; their stages are not reported as unknown again.
    """

    manager: pluggy.PluginManager
    local_files: tuple[Path, ...] = ()
    unavailable: set[str] = field(default_factory=set)
    warn: Callable[[str], None] = lambda sentence: print(sentence, file=sys.stderr)
    _pending: dict[str, Offer] = field(default_factory=dict)
    _found: dict[str, Plugin] = field(default_factory=dict)
    _stages: dict[str, type[Stage]] = field(default_factory=dict)

    @classmethod
    def load(cls) -> Plugins:
        """Find every installed plugin; each is imported when it is first needed, and each import is guarded.

        ``PIPELINE_DISABLE_PLUGINS=a,b`` leaves some out.
        """
        manager = pluggy.PluginManager("pipeline")
        manager.add_hookspecs(hooks)
        plugins = cls(manager)
        disabled = {name.strip() for name in os.environ.get("PIPELINE_DISABLE_PLUGINS", "").split(",")}
        # Ours first, so that a clash of names is the newcomer's problem.
        for offer in sorted(offers(hooks.GROUP), key=lambda o: (o.distribution != DISTRIBUTION, o.distribution)):
            plugins._note(offer, disabled)
        return plugins

    @property
    def found(self) -> dict[str, Plugin]:
        """Every plugin by name, in whatever state."""
        self.load_all()
        return self._found

    @property
    def stages(self) -> dict[str, type[Stage]]:
        """Every stage by ``plugin.name``."""
        self.load_all()
        return self._stages

    def load_all(self) -> None:
        """Import every plugin, so that all may observe what runs."""
        for name in list(self._pending):
            self._load(name)

    def add_local(self, path: Path, *, may_trust: Callable[[Path], bool] = lambda path: False) -> None:
        """Load a local plugin file; RequestError if it is not trusted, missing or broken.

        ``may_trust`` is asked once for each new content of the file.
        """
        path = path.resolve()
        if path in self.local_files:
            return
        if not path.is_file():
            neighbours = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
            raise RequestError(
                Problem(
                    f"the plugin file {path.name} does not exist in {path.parent}", None, closest(path.name, neighbours)
                )
            )
        if not trust.is_trusted(path):
            if not may_trust(path):
                raise RequestError(
                    Problem(
                        f"the plugin file {path.name} is code that has not been trusted yet (or has changed since)",
                        hint=f"Read {path}, then run the command again with --trust.",
                    )
                )
            trust.remember(path)
        name = path.stem
        self._load(name)
        if name in self._found:
            taken = f"has the name of the plugin {name!r} from {self._found[name].origin}"
            raise RequestError(Problem(f"the plugin file {path.name} {taken}", hint="Rename the file."))
        try:
            module = _import_file(path)
        except (Exception, SystemExit) as error:
            raise RequestError(f"the plugin file {path} cannot be imported: {_reason(error)}") from error
        self.local_files += (path,)
        plugin = Plugin(name, "", str(path), "loaded", packages=(LOCAL,))
        self._register(plugin, module)
        if self._found[name].state == "broken":
            raise RequestError(f"the plugin file {path} cannot be used: {self._found[name].reason}")

    def add_module(self, name: str, module: ModuleType) -> None:
        """Register a plugin that is not installed from its imported module; how it went is in ``found[name]``."""
        package = module.__name__.split(".")[0]
        self._register(Plugin(name, "", module.__file__ or module.__name__, "loaded", packages=(package,)), module)

    def stage(self, uses: str) -> type[Stage]:
        """The stage class of ``plugin.name``; RequestError (without position) if there is none."""
        if stage := self.known_stage(uses):
            return stage
        plugin_name = uses.split(".")[0]
        if plugin_name in self.unavailable:
            raise RequestError([])
        plugin = self._found.get(plugin_name)
        if plugin and plugin.state == "disabled":
            raise RequestError(Problem(f"the plugin {plugin_name!r} is disabled by PIPELINE_DISABLE_PLUGINS"))
        if plugin and plugin.state == "broken":
            raise RequestError(Problem(f"the plugin {plugin_name!r} could not be loaded: {plugin.reason}"))
        if plugin and uses == plugin_name:
            raise RequestError(
                Problem(f"{uses!r} is a plugin, not a stage", None, None, f"Its stages: {listing(plugin.stages)}.")
            )
        offered = plugin.stages if plugin else tuple(self.stages)
        described = f"plugin {plugin_name!r} has {listing(offered)}" if plugin else f"there are {listing(offered)}"
        meant = closest(uses, self.stages)
        raise RequestError(
            Problem(f"there is no stage {uses!r}", None, meant, None if meant else f"Known: {described}.")
        )

    def known_stage(self, uses: str) -> type[Stage] | None:
        """The stage class of ``plugin.name``, or None."""
        self._load(uses.split(".")[0])
        return self._stages.get(uses)

    def require(self, pins: dict[str, str]) -> Iterable[tuple[str, str]]:
        """For each unmet pin of ``requires:`` its plugin name and what is wrong."""
        if not pins:
            return
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        for name, text in pins.items():
            plugin = self.found.get(name)
            try:
                wanted = SpecifierSet(text)
            except InvalidSpecifier:
                yield name, f"{text!r} is not a version range such as '>=0.1,<2'"
                continue
            if plugin is None or plugin.state != "loaded":
                yield name, f"needs the plugin {name!r} {text}, which is {plugin.state if plugin else 'not installed'}"
            elif plugin.version and not wanted.contains(plugin.version, prereleases=True):
                yield name, f"needs the plugin {name!r} {text}, but {plugin.version} is installed ({plugin.origin})"

    def codecs(self) -> list[Codec]:
        """Every codec that a plugin offers."""
        self.load_all()
        return [codec for _, offered in self._collect("pipeline_codecs") for codec in offered]

    def datasets(self) -> dict[str, Dataset]:
        """Every data set that a plugin offers, by name."""
        self.load_all()
        return {dataset.name: dataset for _, offered in self._collect("pipeline_datasets") for dataset in offered}

    @property
    def packages(self) -> frozenset[str]:
        """Top-level packages whose artifact classes the store may instantiate."""
        return frozenset(package for plugin in self.found.values() for package in plugin.packages) | {"pipeline"}

    def observe(self, observer: object) -> None:
        """Let ``observer`` hear the lifecycle hooks from now on."""
        self.manager.register(observer)

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call a lifecycle hook on every observer; one that raises is named, and not called again."""
        for implementation in reversed(getattr(self.manager.hook, hook).get_hookimpls()):
            try:
                implementation.function(*(arguments[name] for name in implementation.argnames))
            except Exception as error:
                self.warn(f"plugin {implementation.plugin_name!r} failed in {hook} and is left out: {_reason(error)}")
                self.manager.unregister(implementation.plugin)

    def _note(self, offer: Offer, disabled: set[str]) -> None:
        """Keep an offer for when it is needed, or say why it will not be."""
        name, plugin = offer.name, _described(offer)
        if (first := self._pending.get(name)) or name in self._found:
            other = first.distribution if first else self._found[name].origin
            key = f"{name} ({plugin.origin})"
            reason = f"both {other} and {plugin.origin} offer a plugin named {name!r}; uninstall one of them"
            self._found[key] = plugin._replace(name=key, state="broken", reason=reason)
        elif name in disabled:
            self._found[name] = plugin._replace(state="disabled", reason="PIPELINE_DISABLE_PLUGINS")
        else:
            self._pending[name] = offer

    def _load(self, name: str) -> None:
        """Import a plugin that has not been imported yet; whatever goes wrong is its reason."""
        offer = self._pending.pop(name, None)
        if offer is None:
            return
        plugin = _described(offer)
        if offer.missing:
            install = f"pip install '{plugin.origin}[{','.join(offer.extras)}]'"
            self._found[name] = plugin._replace(state="broken", reason=f"needs {listing(offer.missing)}: {install}")
            return
        try:
            module = offer.load()
        except (Exception, SystemExit) as error:
            self._found[name] = plugin._replace(state="broken", reason=_reason(error))
            return
        self._register(plugin, module)

    def _register(self, plugin: Plugin, module: Any) -> None:
        try:
            self.manager.register(module, plugin.name)
            self.manager.check_pending()
            offered = dict(self._offered_stages(plugin))
        except Exception as error:
            if self.manager.has_plugin(plugin.name):
                self.manager.unregister(name=plugin.name)
            self._found[plugin.name] = plugin._replace(state="broken", reason=_reason(error))
            return
        self._stages |= offered
        self._found[plugin.name] = plugin._replace(stages=tuple(sorted(offered)))

    def _offered_stages(self, plugin: Plugin) -> Iterable[tuple[str, type[Stage]]]:
        for implementation in self.manager.hook.pipeline_stages.get_hookimpls():
            if implementation.plugin_name != plugin.name:
                continue
            offered: Any = implementation.function()
            for stage in offered:
                if not (isinstance(stage, type) and issubclass(stage, Stage)):
                    raise TypeError(f"pipeline_stages() must return classes derived from Stage. Got {stage!r} instead.")
                stage.interface()
                yield f"{plugin.name}.{stage.stage_name()}", stage

    def _collect(self, hook: str) -> Iterable[tuple[str, Any]]:
        """Each plugin's own answer, so that one plugin's failure cannot hide another's."""
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            yield implementation.plugin_name, implementation.function()


def _described(offer: Offer) -> Plugin:
    packages = (offer.module.split(".")[0],)
    return Plugin(offer.name, offer.version, offer.distribution, "loaded", packages=packages)


def _import_file(path: Path) -> ModuleType:
    """Import a local plugin under a package name of its own, so that it can shadow nothing."""
    if LOCAL not in sys.modules:
        package = ModuleType(LOCAL)
        package.__path__ = []
        sys.modules[LOCAL] = package
    # Last on the path: the file may import its neighbours, and they cannot shadow what is installed.
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    name = f"{LOCAL}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _reason(error: BaseException) -> str:
    if isinstance(error, RequestError):
        return str(error)
    if isinstance(error, pluggy.PluginValidationError):
        return " ".join(str(error).split())
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"needs the module {error.name!r}, which is not installed"
    if isinstance(error, SyntaxError):
        return f"{Path(error.filename or '').name}:{error.lineno}: {error.msg}"
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"

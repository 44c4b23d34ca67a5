"""Exporters of the user's own, named `module:Class`: found, checked, and taken along to where the batches run.

The module is looked for in the folder of the pipeline file first, and then among all that can be imported. What is
found in that folder goes with the run: the module's file or package, and what it imports that lies beside it, into
`runs/<run>/code/` of the workspace, which every worker reaches. What is installed must be installed on every worker.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.export.base import BaseExporter
from rushes.workspace import Workspace

__all__ = ["check_exporter", "code_files", "custom_exporter", "take_along"]

_MAX_BYTES = 20 * 2**20
"""Of code that goes with a run; more is a folder of data, put into a package by mistake."""
_FOREIGN = frozenset({"rushes", "tasks", "flows", "cli"}) | sys.stdlib_module_names


def check_exporter(pipeline: Pipeline) -> None:
    """Refuses an exporter of the user's own that cannot be used, before hours of work; a built-in one is fine.

    Raises:
        ConfigError: There is no such module, no such class in it, or it is no exporter.
    """
    if ":" in pipeline.export.format:
        _class_of(pipeline.export.format, _folder(pipeline))


def take_along(pipeline: Pipeline, workspace: Workspace, run: str) -> None:
    """Copies the code of an exporter of the user's own from the pipeline's folder, if it lies there, into the run's.

    Raises:
        ConfigError: There is no such module, no such class in it, or it is no exporter.
    """
    check_exporter(pipeline)
    for name, path in code_files(pipeline):
        target = workspace.run(run) / "code" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def code_files(pipeline: Pipeline) -> Iterator[tuple[str, Path]]:
    """Yields the files of an exporter of the user's own that lies in the pipeline's folder, with their paths in it."""
    folder = _folder(pipeline)
    if folder is not None and ":" in pipeline.export.format:
        for files in _modules(folder, _top(pipeline.export.format)).values():
            yield from ((path.relative_to(folder).as_posix(), path) for path in files)


def custom_exporter(pipeline: Pipeline, workspace: Workspace, run: str) -> type[BaseExporter]:
    """Returns the exporter that `export.format` names as `module:Class`: from the run's folder, or as it is installed.

    Raises:
        ConfigError: There is no such module, no such class in it, or it is no exporter.
    """
    workspace.need_all(f"runs/{run}/code")
    taken = workspace.run(run) / "code"
    return _class_of(pipeline.export.format, taken if taken.is_dir() else _folder(pipeline))


def _folder(pipeline: Pipeline) -> Path | None:
    return Path(pipeline.export.code) if pipeline.export.code else None


def _top(name: str) -> str:
    return name.partition(":")[0].partition(".")[0]


def _class_of(name: str, folder: Path | None) -> type[BaseExporter]:
    where = f"export.format = {name!r}"
    module_name, _, class_name = name.partition(":")
    module = _imported(module_name, folder, where)
    found = getattr(module, class_name, None)
    if found is None:
        known = ", ".join(key for key, value in vars(module).items() if _is_exporter(value)) or "none"
        raise ConfigError(f"{where}: {module_name} has no {class_name}; exporters that it has: {known}.")
    if not _is_exporter(found):
        kind = "a class of another kind" if isinstance(found, type) else f"a {type(found).__name__}"
        raise ConfigError(f"{where}: it is {kind}; expected a subclass of rushes.export.BaseExporter.")
    for hook, given in (("process_file_saving", "data, export_path"), ("additional_file_saving", "export_path")):
        _check_hook(getattr(found, hook), given, f"{where}: {hook}")
    return found  # type: ignore[no-any-return]  # checked above to be a subclass


def _is_exporter(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, BaseExporter) and found is not BaseExporter


def _check_hook(hook: Any, given: str, where: str) -> None:
    signature = inspect.signature(hook)
    try:
        signature.bind(None, *given.split(", "))
    except TypeError:
        raise ConfigError(
            f"{where}{signature}: expected (self, {given}); docs/exporters.md says what became of other arguments."
        ) from None


def _imported(module: str, folder: Path | None, where: str) -> ModuleType:
    with _finder.lock:
        own = folder is not None and _finder.offer(folder, _modules(folder, _top(module)), where)
        try:
            with _no_bytecode():
                return importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise ConfigError(
                    f"{where}: {module} imports {error.name}, which is not there. Install it on every worker, or put "
                    "it beside the pipeline file."
                ) from error
            places = f"neither in {folder} nor" if folder and not own else "not"
            raise ConfigError(
                f"{where}: no module {error.name}, {places} among what can be imported here. Put {error.name}.py beside"
                " the pipeline file, or install it on every worker."
            ) from error
        except Exception as error:  # to import a module is to run it, and it may raise anything
            raise ConfigError(f"{where}: {module} cannot be imported: {type(error).__name__}: {error}.") from error


@contextmanager
def _no_bytecode() -> Iterator[None]:
    """Keeps caches out of the user's folder, and out of the workspace, where they would be uploaded."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _modules(folder: Path | None, top: str) -> dict[str, list[Path]]:
    """Returns the files of a module of the folder, and of those beside it that it needs; nothing where it is none.

    Beside it, only what cannot be imported otherwise counts: a file called `yaml.py` takes no library's place.
    """
    found: dict[str, list[Path]] = {}
    waiting = [top] if folder else []
    while folder and waiting:
        name = waiting.pop()
        files = [] if name in found or name in _FOREIGN else _files(folder, name)
        if files:
            found[name] = files
            imported = (name for path in files if path.suffix == ".py" for name in _imports(path))
            waiting += [name for name in imported if not _is_elsewhere(name, folder)]
    if (size := sum(path.stat().st_size for files in found.values() for path in files)) > _MAX_BYTES:
        raise ConfigError(
            f"{folder}: {size} bytes of code belong to {top}; expected at most {_MAX_BYTES}. Keep data out of it."
        )
    return found


def _files(folder: Path, name: str) -> list[Path]:
    if (file := folder / f"{name}.py").is_file():
        return [file]
    hidden = ("__pycache__", ".")
    found = sorted(path for path in (folder / name).rglob("*") if path.is_file())
    inside = [path for path in found if not any(p.startswith(hidden) for p in path.relative_to(folder).parts)]
    return inside if any(path.suffix == ".py" for path in inside) else []


def _imports(path: Path) -> Iterator[str]:
    """Yields the uppermost names of what a file imports by absolute names; of a broken file, nothing."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return  # its import says where
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _is_elsewhere(name: str, folder: Path) -> bool:
    paths = [path for path in sys.path if Path(path or ".").resolve() != folder.resolve()]
    return PathFinder.find_spec(name, paths) is not None


class _Finder(MetaPathFinder):
    """Finds the modules that go with a run, under their names and no others, before any that is installed."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._folder = Path()
        self._names: frozenset[str] = frozenset()
        self._digest = b""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns where an uppermost module of the run is; what is in a package, Python finds by itself."""
        return PathFinder.find_spec(fullname, [str(self._folder)]) if fullname in self._names else None

    def offer(self, folder: Path, modules: Mapping[str, Sequence[Path]], where: str) -> bool:
        """Has these modules found there from now on, other ones of an earlier run forgotten.

        Raises:
            ConfigError: This process has another module of such a name at work.
        """
        digest = _digest(folder, modules)
        if digest != self._digest:
            self._forget(self._names)
        for name in modules.keys() - self._names:
            _check_free(name, modules[name], where)
        self._folder, self._names, self._digest = folder, frozenset(modules), digest
        importlib.invalidate_caches()
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        return bool(modules)

    def _forget(self, names: frozenset[str]) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] in names]:
            del sys.modules[name]
        self._names = frozenset()


def _digest(folder: Path, modules: Mapping[str, Sequence[Path]]) -> bytes:
    digest = hashlib.sha256()
    for path in sorted(path for files in modules.values() for path in files):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.digest()


def _check_free(name: str, files: Sequence[Path], where: str) -> None:
    """Refuses a name under which another module was imported; the same module, from where it was copied, is fine."""
    at_work = sys.modules.get(name)
    if at_work is None:
        return
    known = Path(getattr(at_work, "__file__", None) or name)
    same = [path for path in files if path.name == known.name and path.read_bytes() == known.read_bytes()]
    if not same:
        raise ConfigError(f"{where}: {known} bears the name {name} already. Give {files[0]} another name.")


_finder = _Finder()

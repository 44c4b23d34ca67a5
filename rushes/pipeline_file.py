"""Reading the pipeline file: YAML, overrides, environment variables, and errors of one line."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rushes.config import Pipeline, Profile, expand
from rushes.errors import ConfigError
from rushes.video.config import TranscodeConfig

__all__ = ["load", "load_transcode", "overridden", "validate"]


def load(path: Path, overrides: Sequence[str] = ()) -> Pipeline:
    """Reads a pipeline file.

    Relative paths in it count from the folder it stands in, and `${VAR}` reads the environment. `source`, and a
    workspace or an output in a storage, keep their variables until they are opened, because this model is also what
    Prefect stores as the run's parameters.

    Args:
        path: The YAML file.
        overrides: `key.path=value` texts that go before the file.

    Raises:
        ConfigError: In one line: file, key, value, and what was expected.
    """
    data = _read(path)
    for override in overrides:
        _override(data, override)
    data.setdefault("workspace", "./work")
    places = {key: data.pop(key) for key in ("source", "workspace", "output") if data.get(key) is not None}
    data = _expand(data, path) | {key: _place(key, place, path) for key, place in places.items()}
    _find_code(data.get("export"), path)
    return validate(data, str(path))


def overridden(data: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Returns a mapping with `key.path=value` texts on top of it; `${VAR}` in these reads the environment.

    Raises:
        ConfigError: One is no such text, or its variable is not set.
    """
    found: dict[str, Any] = dict(copy.deepcopy(data))
    for override in overrides:
        _override(found, expand(override, "--set"))
    return found


def validate(data: Mapping[str, Any], where: str) -> Pipeline:
    """Returns the pipeline that a mapping describes, or raises a `ConfigError` that names `where` and the key."""
    try:
        return Pipeline.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(error, where)) from None


def load_transcode(fields: Sequence[str], profile: str) -> TranscodeConfig:
    """Returns the settings of a profile with `field=value` texts on top of it.

    Raises:
        ConfigError: In one line: field, value, and what was expected.
    """
    data: dict[str, Any] = {"profile": profile}
    for field in fields:
        _override(data, field)
    try:
        return Profile.model_validate(data).config()
    except ValidationError as error:
        raise ConfigError(_explain(error, "transcode")) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; expected a pipeline file in YAML.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{at}: not valid YAML: {getattr(error, 'problem', None) or error}.") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping with the keys name and source, not {type(data).__name__}.")
    return data


def _place(key: str, place: Any, path: Path) -> Any:
    """Returns a path as it counts from anywhere, and a URL with its variables."""
    if not isinstance(place, str):
        return place
    found = place if key == "source" or "://" in place else expand(place, str(path))
    absolute = "://" in found or found.startswith("${")
    return place if absolute else os.path.normpath(path.parent.absolute() / found)


def _find_code(export: Any, path: Path) -> None:
    """Has an exporter of the user's own looked for in the folder of the pipeline file, unless another one is named."""
    if isinstance(export, dict) and ":" in str(export.get("format")):
        export["code"] = os.path.normpath(path.parent.absolute() / str(export.get("code") or ""))


def _override(data: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ConfigError(f"--set {text}: expected key.path=value, like run.max_failed=0.1.")
    *parents, last = key.split(".")
    for parent in parents:
        if not isinstance(data.get(parent), dict):
            data[parent] = {}
        data = data[parent]
    try:
        data[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        data[last] = value


def _expand(value: Any, path: Path) -> Any:
    if isinstance(value, str):
        return expand(value, str(path))
    if isinstance(value, dict):
        return {key: _expand(item, path) for key, item in value.items()}
    return [_expand(item, path) for item in value] if isinstance(value, list) else value


def _explain(error: ValidationError, where: str) -> str:
    first, *others = error.errors(include_url=False)
    key = ".".join(str(part) for part in first["loc"])
    more = f" ({len(others)} more such errors)" if others else ""
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key {key}; check its spelling against docs/pipeline.md.{more}"
    if first["type"] == "missing":
        return f"{where}: {key} is missing; every pipeline needs it.{more}"
    return f"{where}: {key} = {first['input']!r}: {first['msg'].removeprefix('Value error, ')}.{more}"

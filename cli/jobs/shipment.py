"""What goes to a cluster with a job: the code of rushes, the pipeline file, and nothing that is data.

Only what is named here is taken, so no `.git`, environment, workspace or dataset can slip in. The pipeline file goes as
it is written: its `${VAR}` are read on the cluster, and no value of them leaves this machine.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from rushes import __version__
from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.export.custom import check_exporter, code_files
from rushes.pipeline_file import load
from rushes.records import Rejection
from rushes.sources import read_sources
from rushes.transfer.urls import redact

__all__ = ["Shipment", "packed", "prepare"]

_PACKAGES = ("rushes", "tasks", "flows", "cli")
_FOLDER = "pipeline"
_MAX_BYTES = 50 * 2**20
"""Of everything: more is data, and belongs into a storage; Ray keeps packages in the head's memory."""
_CREDENTIAL = re.compile(
    r"token|secret|passw(or)?d|passphrase|pwd|credential|auth(?!or)|(access|api|private|account|signing)_?key|_key$|dsn$",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Shipment:
    """What goes along with one job.

    Attributes:
        name: The pipeline's.
        entrypoint: The command line for the cluster.
        files: Where each file will be in the job's folder, and where it is here.
        remarks: What whoever submits it should know.
        variables: What is set for the job.
    """

    name: str
    entrypoint: str
    files: dict[str, Path]
    remarks: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)

    def with_variables(self, given: Sequence[str]) -> Shipment:
        """Returns it with variables, given as `NAME=VALUE`, or as `NAME` for what it is here.

        Raises:
            ConfigError: A variable is not set here, or looks like a credential: whoever reaches the cluster's dashboard
                could read it in the job's description.
        """
        return replace(self, variables=dict(_variable(text) for text in given))


def prepare(file: Path, overrides: Sequence[str], command: str, python: str, as_json: bool) -> Shipment:
    """Returns what a pipeline needs on a cluster.

    Raises:
        ConfigError: The pipeline cannot be used; or cannot be used there, for what it needs would stay here.
    """
    pipeline = load(file, overrides)
    check_exporter(pipeline)
    _check_readable(pipeline, overrides)
    places, files, remarks = _places(pipeline)
    code = {f"{_FOLDER}/{name}": path for name, path in code_files(pipeline)}
    files = _code() | {f"{_FOLDER}/{file.name}": file} | code | files
    options = [f"--set={override}" for override in (*overrides, *places, *(["export.code=."] if code else []))]
    words = [python, "-m", "cli", command, f"{_FOLDER}/{file.name}", *options, *(["--json"] if as_json else [])]
    own = [name for name in files if name.startswith(f"{_FOLDER}/")]
    size = f"{_size(files) / 2**20:.1f} MiB: rushes {__version__} and {', '.join(Path(name).name for name in own)}"
    return Shipment(pipeline.name, shlex.join(words), files, (f"going along: {size}", *remarks, *_needed(file)))


@contextmanager
def packed(shipment: Shipment) -> Iterator[Path]:
    """Gives a folder with the files of a shipment while the block runs."""
    with tempfile.TemporaryDirectory(prefix="rushes-job-") as name:
        for target, path in shipment.files.items():
            (Path(name) / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, Path(name) / target)
        yield Path(name)


def _code() -> dict[str, Path]:
    found = {}
    for package in _PACKAGES:
        spec = find_spec(package)
        folder = Path(str(spec.origin)).parent if spec else Path()
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in inside.parts):
                found[f"{package}/{inside.as_posix()}"] = path
    return found


def _places(pipeline: Pipeline) -> tuple[list[str], dict[str, Path], list[str]]:
    """Returns where workspace, output and source are for the cluster, what of them goes along, and what to say."""
    given = {"workspace": pipeline.workspace, "output": pipeline.output, "source": pipeline.source}
    local = {key: place for key, place in given.items() if place and not _is_elsewhere(place)}
    files: dict[str, Path] = {}
    if "workspace" not in local and "source" in local:  # the nodes share no disk
        path = Path(local.pop("source"))
        _check_source(pipeline, path)
        files = {f"{_FOLDER}/{path.name}": path}
    places = [f"{key}={place}" for key, place in local.items()] + [f"source={Path(name).name}" for name in files]
    said = ", ".join(f"{key} {place}" for key, place in local.items())
    return places, files, [f"must be there on every node, under the same path: {said}"] if said else []


def _is_elsewhere(place: str) -> bool:
    return "://" in place or place.startswith("${")


def _check_source(pipeline: Pipeline, path: Path) -> None:
    """Refuses a source that says anything about this machine's files, which the cluster's nodes do not have."""
    why = f"workspace = {redact(pipeline.workspace)} is in a storage, so the nodes share no disk with this machine"
    if not path.is_file():
        raise ConfigError(f"source = {path}: expected a list of items in a file, which can go along; {why}.")
    for item in read_sources(str(path), pipeline.download):
        url = item.source.url if isinstance(item, Rejection) else item.url
        if url.startswith("file:"):
            raise ConfigError(f"source = {path}: {url} is a file of this machine; {why}. Put it into the storage, too.")


def _check_readable(pipeline: Pipeline, overrides: Sequence[str]) -> None:
    """Refuses credentials in what everybody sees who reaches the cluster's dashboard."""
    places = (pipeline.source, pipeline.workspace, pipeline.output or "")
    for value in (*places, *(override.partition("=")[2] for override in overrides)):
        if _tells(value):
            raise ConfigError(
                f"{redact(value)}: credentials, which could be read in the job's description. Write ${{VAR}} instead, "
                "and set the variable on the cluster's nodes."
            )


def _tells(value: str) -> bool:
    """Tells whether a URL says a credential itself, and does not only name the variable that has it."""
    said = re.sub(r"[?&][^=&]*=(?=&|$)", "", _VARIABLE.sub("", value))
    try:
        parts = urlsplit(said)
    except ValueError:
        return False
    return "://" in said and bool(parts.username or parts.password or "…" in redact(said))


def _needed(file: Path) -> list[str]:
    names = sorted(set(_VARIABLE.findall(file.read_text(encoding="utf-8"))))
    return [f"{file.name} reads {', '.join(names)}: set on the cluster's nodes, or with --env"] if names else []


def _size(files: dict[str, Path]) -> int:
    sizes = {name: path.stat().st_size for name, path in files.items()}
    if (total := sum(sizes.values())) > _MAX_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise ConfigError(
            f"{files[largest]}: {sizes[largest]:,} of {total:,} bytes that would go along with the job; expected at "
            f"most {_MAX_BYTES:,}. Put it into a storage, or where all nodes reach it."
        )
    return total


def _variable(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ConfigError(f"--env {name}: expected NAME or NAME=VALUE.")
    if not given and name not in os.environ:
        raise ConfigError(f"--env {name}: it is not set here; export it, or write {name}=VALUE.")
    value = value if given else os.environ[name]
    if _CREDENTIAL.search(name) or _tells(value):
        raise ConfigError(
            f"--env {name}: it looks like a credential, and whoever reaches the cluster's dashboard can read a job's "
            "variables. Set it on the nodes (a secret of Kubernetes, the environment of `ray start`), or keep it in a "
            "block of Prefect."
        )
    return name, value

"""What stops a command or a run as a whole."""

from __future__ import annotations

from rushes.errors.base import RushesError

__all__ = [
    "AccountingError",
    "ClassesError",
    "ConfigError",
    "DatasetDiffersError",
    "DependencyError",
    "ExporterError",
    "LedgerError",
    "OutputOccupiedError",
    "RunFailedError",
    "StrictError",
    "WorkspaceBusyError",
]


class ConfigError(RushesError):
    """The pipeline file, an option or an argument cannot be used."""

    code = "bad_config"
    remedy = "The message names file, key, value and what was expected."
    exit_code = 2


class ClassesError(ConfigError):
    """The classes of the dataset are not those that the pipeline, or the dataset before it, lets it have."""

    code = "classes"
    remedy = "The message lists them, and says what to set."


class WorkspaceBusyError(RushesError):
    """Another run holds the workspace."""

    code = "workspace_busy"
    remedy = "The message says which. Wait for it, end it, or use another `workspace`."


class OutputOccupiedError(RushesError):
    """The output folder holds something that rushes did not write."""

    code = "output_occupied"
    remedy = "Move it away, or choose another `output`."
    exit_code = 2


class RunFailedError(RushesError):
    """The run ended, and too many of its items or any of its batches failed."""

    code = "run_failed"
    remedy = "Read `failures.jsonl`; run again to try only what failed."


class DatasetDiffersError(RushesError):
    """A dataset is not what it was when it was written."""

    code = "dataset_differs"
    remedy = "Bring the files back from a copy, or make the dataset again with `rushes rebuild`."


class ExporterError(RushesError):
    """An exporter's own code broke, or gathers what cannot be put together over batches."""

    code = "exporter"
    remedy = "The message names class, item, file and line."


class StrictError(RushesError):
    """`export.strict` is on, and the dataset would not say all that the labels say."""

    code = "strict"
    remedy = (
        "The message names the first items, labels and reasons, and counts all. Mend them, drop their classes, or "
        "choose another format."
    )


class AccountingError(RushesError):
    """The planned items and the ended items do not add up: a defect of rushes, never of the data."""

    code = "accounting"
    remedy = "Report it. The old dataset is untouched."


class LedgerError(RushesError):
    """A ledger, plan or tally file cannot be read back."""

    code = "ledger"
    remedy = "Remove the file that the message names, and run again."


class DependencyError(RushesError):
    """An optional part that this command needs is not installed."""

    code = "missing_dependency"
    remedy = "Install what the message names."
    exit_code = 2

"""What a run would do: items by state for certain; bytes, hours and disk as estimates that say on what they rest.

The items are looked up by the same functions that plan a run. Nothing is written and nothing is locked, so that it can
be asked while a run is at work; then the answer is of this moment.
"""

from __future__ import annotations

import os
import shutil

import msgspec

from rushes.config import Pipeline, expand
from rushes.errors import ConfigError
from rushes.preview.history import Made, Speeds, made_before, speeds
from rushes.preview.work import Work, work_of
from rushes.storage import is_storage
from rushes.workspace import Workspace

__all__ = ["Disk", "Forecast", "forecast"]


class Disk(msgspec.Struct, frozen=True):
    """Space that a run would take, in bytes.

    Attributes:
        store: For what is fetched.
        derived: For what is made of it.
        dataset: For the new dataset while the old one stands; None where nobody can tell yet.
        free: What the workspace's disk has; None where it lies in a storage.
    """

    store: int | None
    derived: int | None
    dataset: int | None
    free: int | None


class Forecast(msgspec.Struct, frozen=True):
    """What a run would do.

    Attributes:
        items: Rows of the source by state, and `planned`.
        fetch: Items that are fetched whole.
        ask: Items whose source is asked whether they changed; those that did are fetched, too.
        unasked: Items that are here with nothing to ask by, neither checksum nor validator, or whose pipeline asks
            nobody: they count as unchanged.
        make: Media that are probed, and transcoded where the recipe asks; fewer where equal bytes arrive.
        archives: Items to fetch that are archives by their name; media that come out of them are not in `make`.
        fetch_bytes: Bytes of what is fetched whole; None where nobody can tell.
        transcode_s: Seconds of video to transcode; likewise.
        disk: Space that this takes.
        eta_s: Seconds that all of it takes, export included.
        basis: On what each estimate rests, in words.
    """

    items: dict[str, int]
    fetch: int
    ask: int
    unasked: int
    make: int
    archives: int
    fetch_bytes: int | None
    transcode_s: float | None
    disk: Disk
    eta_s: float | None
    basis: dict[str, str]


def forecast(pipeline: Pipeline, workspace: Workspace, offline: bool = False) -> Forecast:
    """Looks up what a run would do.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace, which need not exist.
        offline: Ask no host for the sizes of a few items that nobody has seen yet.

    Raises:
        ConfigError: The source file cannot be used, has no rows, or would have to be fetched while offline.
    """
    if offline and expand(pipeline.source, "source").lower().startswith(("http://", "https://")):
        raise ConfigError("--offline: the source file is a URL, which has to be fetched. Leave --offline out.")
    work = work_of(pipeline, workspace)
    made = made_before(workspace, work.remade)
    size = work.sizes.estimate(None if offline else pipeline.download, made.mean_bytes)
    video_s, video_why = _video(pipeline, work, made, size.value)
    before = speeds(workspace)
    eta_s, eta_why = _eta(work, before, size.value, video_s)
    derived, derived_why = _derived(pipeline, work, made, size.value)
    dataset, dataset_why = _dataset(pipeline, work, before)
    return Forecast(
        items=work.items,
        fetch=work.fetch,
        ask=work.ask,
        unasked=work.unasked,
        make=work.make,
        archives=work.archives,
        fetch_bytes=size.value,
        transcode_s=video_s,
        disk=Disk(size.value, derived, dataset, _free_bytes(workspace)),
        eta_s=eta_s,
        basis={
            "fetch_bytes": size.basis,
            "transcode_s": video_why,
            "disk": f"{derived_why}; {dataset_why}",
            "eta_s": eta_why,
        },
    )


def _video(pipeline: Pipeline, work: Work, made: Made, fetch_bytes: int | None) -> tuple[float | None, str]:
    if pipeline.transcode is None:
        return 0.0, "the pipeline leaves media as they are"
    if not work.make:
        return 0.0, "nothing to make"
    known_s = sum(made.found_s.values())
    unseen_bytes = None if fetch_bytes is None else fetch_bytes + work.remake_bytes - made.found_bytes
    if unseen_bytes == 0:
        known = len(made.found_s)
        return round(known_s, 1), f"{known} of them probed in earlier runs" if known else "no bytes are to come"
    if unseen_bytes is None or not made.items:
        return None, "no media are known here yet"
    return (
        round(known_s + unseen_bytes * made.video_s / made.source_bytes, 1),
        f"{made.video_s / 3600:.2g} h of video in the {made.items} media of earlier runs, by bytes",
    )


def _derived(pipeline: Pipeline, work: Work, made: Made, fetch_bytes: int | None) -> tuple[int | None, str]:
    if pipeline.transcode is None:
        return 0, "media stay as they are"
    if fetch_bytes is None:
        return None, "sizes are unknown"
    share, why = made.derived_share()
    return round((fetch_bytes + work.remake_bytes) * share), why


def _dataset(pipeline: Pipeline, work: Work, before: Speeds) -> tuple[int | None, str]:
    linked = pipeline.export.media != "copy" and not is_storage(pipeline.output_place)
    if pipeline.frames is None and linked:
        return 0, "the dataset links to the store where the disk can"
    last = before.stages.get("export")
    if last is None or not last.items:
        return None, "no export has shown yet how large the dataset becomes"
    return round(last.bytes / last.items * work.items["planned"]), "the dataset as in the last export"


def _eta(work: Work, before: Speeds, fetch_bytes: int | None, video_s: float | None) -> tuple[float | None, str]:
    requests = work.fetch + work.ask
    parts = [
        before.seconds("download", requests, fetch_bytes),
        before.seconds("transcode", work.make, None, video_s),
        before.seconds("export", work.items["planned"]),
    ]
    known = [part for part in parts if part is not None]
    if len(known) == len(parts):
        return round(sum(known) / before.parallel, 3), f"speeds of {', '.join(before.runs)}"
    cores = os.cpu_count() or 1
    return round(work.cost_s / cores, 3), f"no earlier run here has shown its speed: a rough figure for {cores} cores"


def _free_bytes(workspace: Workspace) -> int | None:
    if workspace.mirror:
        return None
    folder = workspace.root.absolute()
    return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free

"""Members of archives as items: each has a source of its own, made of the archive's row, and is planned like a row.

A member's id is the archive's id, a slash and its name in the archive. It takes over the row's split, group, label and
attributes. Without a split and a group it is dealt to a split by its own bytes, like any other item.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable, Iterator

from msgspec.structs import replace

from rushes.batches import cut
from rushes.config import Pipeline
from rushes.errors import AnnotationError
from rushes.files.unpack import is_archive
from rushes.items import PlanItem, made_key, to_make
from rushes.jsonl import read_lines
from rushes.ledger import Ledger
from rushes.plan import cost_s
from rushes.records import Media, Member, Rejection, Source, Unpacked, Verified
from rushes.workspace import Batch, Workspace

__all__ = ["check_row", "members", "plan_members", "to_make_of"]

_MAX_ID_CHARACTERS = 200
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
_HASHED = re.compile(r"-[0-9a-f]{16}$")


def plan_members(pipeline: Pipeline, workspace: Workspace, run: str) -> tuple[Batch, ...]:
    """Writes those members whose media must be made to `runs/<run>/members.jsonl` and cuts them into batches.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace; the run's archives are unpacked.
        run: The run's id.
    """
    size = None if pipeline.run.batch_size == "auto" else pipeline.run.batch_size
    least = pipeline.run.transcode_cores
    workspace.need_all("ledger")
    workspace.need(f"runs/{run}/items.jsonl")
    found = to_make_of(_archives(workspace, run), pipeline, workspace)
    costed = ((item, cost_s(item, asked=False)) for item in found)
    return tuple(cut(workspace.run(run) / "members.jsonl", costed, run, workspace, size, least))


def members(unpacked: Unpacked, workspace: Workspace, taken: Container[str] = ()) -> Iterator[Verified]:
    """Yields the members of an archive, in its order.

    Args:
        unpacked: The archive, with its row.
        workspace: Where the list of its members stands.
        taken: Ids that a member must not have: those of all rows.
    """
    archive = unpacked.verified
    workspace.need(unpacked.path)
    for member in read_lines(workspace.path(unpacked.path), Member):
        key = _member_id(archive.source.id, member.name, taken)
        source = replace(archive.source, id=key, parent=archive.source.id, checksum=None)
        yield Verified(
            source, member.path, member.sha256, member.size_bytes, attempts=archive.attempts, robots=archive.robots
        )


def check_row(source: Source) -> None:
    """Checks that the row of an archive says nothing that cannot be true of each of its members.

    Raises:
        AnnotationError: It has labels; `[]` is true of all of them.
    """
    if source.annotations:
        raise AnnotationError(
            f"{source.origin or source.id}: {len(source.annotations)} labels on an archive; expected none, or [] where "
            "nothing is in any of its members. Give those that have labels a row of their own."
        )


def to_make_of(archives: Iterable[Verified], pipeline: Pipeline, workspace: Workspace) -> Iterator[PlanItem]:
    """Yields the members of archives of which media must be made, each content once.

    Args:
        archives: Archives, with their rows; those that are not unpacked have no members yet.
        pipeline: The pipeline.
        workspace: Its workspace, whose ledgers are here.
    """
    unpacked, media = Ledger(workspace.ledger("unpacked")), Ledger(workspace.ledger("media"))
    seen: set[str] = set()
    for archive in archives:
        found = unpacked.get(made_key(archive, pipeline))
        if isinstance(found, Unpacked) and not archive.source.annotations:
            for member in members(replace(found, verified=archive), workspace):
                item = _look_up(member, pipeline, workspace, media)
                if to_make(item) and member.sha256 not in seen:
                    seen.add(member.sha256)
                    yield item


def _look_up(member: Verified, pipeline: Pipeline, workspace: Workspace, media: Ledger) -> PlanItem:
    found = media.get(made_key(member, pipeline))
    made = isinstance(found, Media) and workspace.holds(found.path, found.size_bytes)
    previous = found if isinstance(found, Rejection) else None
    return PlanItem(member.sha256, member.source, verified=member, made=made, previous=previous)


def _archives(workspace: Workspace, run: str) -> Iterator[Verified]:
    verified = Ledger(workspace.ledger("verified"))
    for item in read_lines(workspace.run(run) / "items.jsonl", PlanItem):
        arrived = verified.get(item.key) if item.rejection is None else None
        if isinstance(arrived, Verified) and is_archive(arrived):
            yield replace(arrived, source=item.source)


def _member_id(archive: str, name: str, taken: Container[str]) -> str:
    """Returns the id of a member: readable, and no row's; no member of an archive called `a/b` is called so in `a`."""
    whole = f"{archive}/{name}"
    clean = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", whole)
    places = [place for place, letter in enumerate(whole) if letter == "/" and place > len(archive)]
    free = not any(whole[:place] in taken for place in [*places, len(whole)])
    if clean == whole and free and len(whole) <= _MAX_ID_CHARACTERS and not _HASHED.search(whole):
        return whole
    digest = hashlib.sha256(f"{archive}\0{name}".encode()).hexdigest()[:16]
    return f"{clean[: _MAX_ID_CHARACTERS - 17]}-{digest}"

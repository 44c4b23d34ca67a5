"""DM (Datamaker) documents: V1, which keeps what is drawn apart from what it is called, and V2, which sorts it by tool.

from rushes.formats.dm import load, migrate_v1_to_v2, version_of

document = load(path.read_bytes(), path.name)
if version_of(document, path.name) == "v1":
    document = migrate_v1_to_v2(document, path.name)
"""

from __future__ import annotations

from rushes.formats.dm.carry import set_aside
from rushes.formats.dm.documents import version_of
from rushes.formats.dm.read import read
from rushes.formats.dm.render import Version, render
from rushes.formats.dm.v1 import migrate_v1_to_v2
from rushes.formats.dm.v2 import migrate_v2_to_v1
from rushes.formats.dm.values import dump, load

__all__ = [
    "Version",
    "dump",
    "load",
    "migrate_v1_to_v2",
    "migrate_v2_to_v1",
    "read",
    "render",
    "set_aside",
    "version_of",
]

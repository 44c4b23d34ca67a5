"""What programs leave in a dataset's folder: it is no part of the dataset, and may be deleted."""

from __future__ import annotations

import re

__all__ = ["left_by"]

_LEFT = (
    (re.compile(r"(^|/)labels(/[^/]+)*\.cache(\.npy)?$"), "Ultralytics"),
    (re.compile(r"(^|/)images/.*\.npy$"), "Ultralytics"),
    (re.compile(r"(^|/)(\.DS_Store$|\._[^/]*$|\.AppleDouble/)"), "macOS"),
    (re.compile(r"(^|/)(Thumbs\.db|desktop\.ini)$", re.IGNORECASE), "Windows"),
    (re.compile(r"(^|/)\.ipynb_checkpoints/"), "Jupyter"),
    (re.compile(r"(^|/)(__pycache__/|[^/]*\.pyc$)"), "Python"),
    (re.compile(r"(^|/)\.nfs[0-9a-f]+$"), "NFS, of a file that was deleted while it was open"),
    (re.compile(r"(^|/)(\.#[^/]*|[^/]*~|\.[^/]*\.sw[a-p])$"), "an editor"),
)


def left_by(path: str) -> str | None:
    """Returns which program leaves files of this name in datasets, or None."""
    return next((program for name, program in _LEFT if name.search(path)), None)

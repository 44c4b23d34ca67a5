"""Small files of settings, and where temporary ones go."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["get_dict_from_file", "get_temp_path"]


def get_dict_from_file(file_path: str | Path) -> Any:
    """Returns what a JSON or YAML file holds; `.yaml` and `.yml` are YAML, everything else is JSON.

    Raises:
        OSError: The file cannot be read.
        json.JSONDecodeError: It is not valid JSON.
        yaml.YAMLError: It is not valid YAML.
    """
    import yaml  # as slow to import as all the rest of rushes.files

    path = Path(file_path)
    text = path.read_text(encoding="utf-8-sig")
    return yaml.safe_load(text) if path.suffix.lower() in (".yaml", ".yml") else json.loads(text)


def get_temp_path(sub_path: str | Path | None = None) -> Path:
    """Returns a path for temporary files, or one below it; nothing is created."""
    path = Path(tempfile.gettempdir()) / "rushes"
    return path / sub_path if sub_path else path

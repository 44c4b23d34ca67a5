"""The JSON schema of a section as the form of the Prefect UI wants it: order, titles, and what is offered first."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo

__all__ = ["field_title", "for_form", "size_text"]

_TITLES = {
    "acodec": "Audio encoder (acodec)",
    "bag": "BagIt bag",
    "connect": "Connect (s)",
    "crf": "Quality (CRF)",
    "datapackage": "Data package",
    "duration": "Duration (s)",
    "every_s": "One every (s)",
    "fps": "Frame rate (fps)",
    "hdr": "High dynamic range (hdr)",
    "max_failed": "Max failed (share)",
    "mhl": "Media hash list (mhl)",
    "min_bytes_per_s": "Min speed (bytes per s)",
    "movflags": "Muxer flags (movflags)",
    "pix_fmt": "Pixel format (pix_fmt)",
    "rai": "Responsible use (rai)",
    "read": "Read (s)",
    "start_time": "Start (s)",
    "total": "Total (s)",
    "url": "URL",
    "vcodec": "Video encoder (vcodec)",
}
"""Of keys whose words do not say it."""
_OPTIONS = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "yes or no",
    "array": "list",
    "object": "mapping",
    "null": "none",
}
"""What the form calls the options of a field that takes several; it would show names of Python's types."""
_SCALARS = ("string", "integer", "number")
_SIZES = tuple((unit, 1000**power) for power, unit in enumerate(("", "kB", "MB", "GB", "TB")) if power)
_BINARY_SIZES = tuple((unit, 1024**power) for power, unit in enumerate(("", "KiB", "MiB", "GiB", "TiB")) if power)


def field_title(name: str, _info: FieldInfo | Any) -> str:
    """Returns a key in words: `max_time_s` is *Max time (s)*."""
    words = name.replace("_", " ")
    if name.endswith("_s"):
        words = f"{words[:-2]} (s)"
    return _TITLES.get(name, words[0].upper() + words[1:])


def for_form(schema: dict[str, Any]) -> None:
    """Changes the schema of a section, not what it takes.

    The form sorts by `position`: PostgreSQL does not keep the order of keys. It begins at the option of the default:
    without one, at the first, which is an empty box in which a value can be written at once.
    """
    for position, field in enumerate(schema.get("properties", {}).values()):
        field["position"] = position
        for option in field.get("anyOf", ()):
            if "$ref" not in option:
                option.setdefault("title", _option_title(option))
        _begin(field)


def _begin(field: dict[str, Any]) -> None:
    """Has the form begin at what is most often written."""
    options, default = field.get("anyOf", []), field.get("default")
    if default is not None and any("$ref" in option for option in (field, *options)):
        del field["default"]  # the keys of the part have theirs
    elif options and default is None and options[0].get("type") in _SCALARS:
        field.pop("default", None)
    elif isinstance(default, int) and options and options[0].get("title") == "size":
        field["default"] = size_text(default)


def size_text(size_bytes: int) -> str:
    """Returns a size as it would be written in a pipeline file."""
    whole = [(unit, size_bytes // factor) for unit, factor in (*_SIZES, *_BINARY_SIZES) if size_bytes % factor == 0]
    unit, count = min(whole, key=lambda one: one[1], default=("", size_bytes))
    return f"{count}{unit}" if size_bytes else "0"


def _option_title(option: dict[str, Any]) -> str:
    if "const" in option:
        return str(option["const"])
    return "choice" if "enum" in option else _OPTIONS.get(option.get("type", ""), "value")

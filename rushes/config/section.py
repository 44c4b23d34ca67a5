"""What the parts of a pipeline file have in common: strictness, sizes, variables of the environment."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from rushes.config.form import field_title, for_form
from rushes.errors import ConfigError

__all__ = ["NAME", "Section", "Size", "Speed", "expand", "wrong"]

NAME = r"^[a-z0-9][a-z0-9._-]*$"
"""Of datasets and of profiles."""
_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}


def _parse_size(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", value)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError("expected a size like 500MB or 20GiB")
    return int(float(match[1]) * _UNITS[match[2].lower()])


_TEXT_SCHEMA = {"type": "string", "title": "size", "pattern": rf"(?i)^ *[0-9]+(\.[0-9]+)? *({'|'.join(_UNITS)}) *$"}
_SIZE_SCHEMA = {"anyOf": [_TEXT_SCHEMA, {"type": "integer", "title": "bytes", "exclusiveMinimum": 0}]}
Size = Annotated[int, BeforeValidator(_parse_size), Field(gt=0), WithJsonSchema(_SIZE_SCHEMA)]

_SPEED_SCHEMA = {"anyOf": [_TEXT_SCHEMA, {"type": "integer", "title": "bytes", "minimum": 0}]}
Speed = Annotated[int, BeforeValidator(_parse_size), Field(ge=0), WithJsonSchema(_SPEED_SCHEMA)]


def expand(text: str, where: str) -> str:
    """Returns the text with each `${VAR}` replaced from the environment.

    Raises:
        ConfigError: A variable is not set.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigError(f"{where}: environment variable {match[1]} is not set; export it, or write the value.")
        return os.environ[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", value, text)


class Section(BaseModel):
    """A part of the pipeline file: unknown keys are errors, values do not change."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        model_title_generator=lambda section: section.__name__.removesuffix("Config"),
        field_title_generator=field_title,
        json_schema_extra=for_form,
    )


def wrong(keys: tuple[str, ...], value: object, expected: str) -> ValidationError:
    """Returns the error for a value inside of the one that is being validated."""
    details = InitErrorDetails(
        type=PydanticCustomError("value_error", "{text}", {"text": expected}), loc=keys, input=value
    )
    return ValidationError.from_exception_data("Pipeline", [details])

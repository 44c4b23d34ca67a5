"""The schema of the pipeline file, which people see as a form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from rushes.config import Pipeline
from rushes.config.form import size_text
from rushes.config.section import _parse_size

SCHEMA = Pipeline.model_json_schema()
PARTS = {"Pipeline": SCHEMA, **{name: part for name, part in SCHEMA["$defs"].items() if "properties" in part}}


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in PARTS.items():
        yield from ((f"{name}.{key}", field) for key, field in part["properties"].items())


def test_every_key_says_what_it_is_in_words_and_without_what_a_page_takes_for_a_tag() -> None:
    for name, field in fields():
        part = SCHEMA["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
        described = field.get("description") or part.get("description")
        assert described, name
        assert "<" not in described, name
        if "$ref" not in field:
            assert field["title"][0].isupper(), name
            assert not field["title"].endswith(" s"), name


def test_keys_stand_in_the_order_of_the_file_whatever_a_database_makes_of_it() -> None:
    for part in PARTS.values():
        assert [field["position"] for field in part["properties"].values()] == [*range(len(part["properties"]))]


def test_what_may_be_left_out_begins_with_an_empty_box_and_a_size_with_what_one_would_write() -> None:
    shown = dict(fields())
    assert "default" not in shown["Pipeline.output"]
    assert shown["Pipeline.output"]["anyOf"][0]["type"] == "string"
    assert shown["DownloadConfig.max_bytes"]["default"] == "20GiB"
    assert shown["Pipeline.transcode"]["default"] is None


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "0"), (1, "1"), (1000, "1kB"), (1024, "1KiB"), (20 * 2**30, "20GiB"), (10**9, "1GB")]
)
def test_a_size_is_written_so_that_it_reads_back(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text
    assert _parse_size(text) == size_bytes


@pytest.mark.parametrize("value", [1, "20GiB", " 1.5 gb", "7"])
def test_the_schema_takes_the_sizes_that_the_file_takes(value: object) -> None:
    config = {"name": "x", "source": "a.csv", "download": {"max_bytes": value}}
    jsonschema.validate(config, SCHEMA)
    Pipeline.model_validate(config)


@pytest.mark.parametrize("value", ["lots", "20 parsecs", "1.2.3GB", -1, 0])
def test_and_refuses_those_that_it_refuses(value: object) -> None:
    config = {"name": "x", "source": "a.csv", "download": {"max_bytes": value}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(config, SCHEMA)
    with pytest.raises(ValueError, match="max_bytes"):
        Pipeline.model_validate(config)


def test_what_is_none_may_be_said_to_be() -> None:
    jsonschema.validate({"name": "x", "source": "a.csv", "output": None, "transcode": {"preset": None}}, SCHEMA)

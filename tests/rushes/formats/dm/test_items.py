from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

from rushes.formats.dataset import Labelled
from rushes.formats.dm import Version, dump, migrate_v1_to_v2, migrate_v2_to_v1, read, render
from rushes.jsonl import encode
from tests.rushes.formats.dm.documents import HEIGHT, WIDTH, v1_documents, v2_documents
from tests.rushes.formats.items import any_item

Json = dict[str, Any]
PICTURE = io.BytesIO()
Image.new("L", (WIDTH, HEIGHT)).save(PICTURE, "png")
VERSIONS: tuple[Version, ...] = ("v1", "v2")


def folder_of(folder: Path, *documents: Json, suffix: str = ".png") -> Path:
    """Writes documents, and the same picture for each of them."""
    for number, document in enumerate(documents):
        for name, content in (
            (f"json/{number}.json", dump(document)),
            (f"original_files/{number}{suffix}", PICTURE.getvalue()),
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return folder


def read_back(*documents: Json, suffix: str = ".png") -> list[Labelled]:
    """Returns the items of a folder of these documents."""
    with tempfile.TemporaryDirectory() as name:
        return list(read(folder_of(Path(name), *documents, suffix=suffix)).items)


@settings(max_examples=40)
@given(any_item("a.png"), st.sampled_from(VERSIONS))
def test_what_was_read_is_read_again_after_it_was_written(item: Labelled, version: Version) -> None:
    item = replace(item, width=item.width or 50, height=item.height or 40)
    with tempfile.TemporaryDirectory() as name:
        found = read(folder_of(Path(name) / "1", render(item, version)[0]))
        names = {category.name: category.keypoints for category in found.categories if category.keypoints}
        [once] = found.items
        [again] = read(folder_of(Path(name) / "2", render(once, version, names)[0])).items
    assert again == once


@settings(max_examples=40)
@given(v1_documents(("image",)))
def test_a_v1_that_was_read_is_written_as_it_was(document: Json) -> None:
    [item] = read_back(document)
    assert encode(render(item, "v1")[0]) == encode(document)
    assert encode(render(item, "v2")[0]) == encode(migrate_v1_to_v2(document))


@settings(max_examples=40)
@given(v2_documents().filter(lambda document: "images" in document.get("annotation_data", document)))
def test_a_v2_that_was_read_is_written_as_it_was(document: Json) -> None:
    [item] = read_back(document)
    assert encode(render(item, "v2")[0]) == encode(document)
    assert encode(render(item, "v1")[0]) == encode(migrate_v2_to_v1(document))

"""A label file says how large its picture is; where that is not so, nobody knows where labels belong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from rushes.convert import convert
from rushes.errors import RunFailedError, StrictError
from rushes.formats.dataset import Labelled
from rushes.formats.dm import dump, render
from rushes.formats.sizes import is_as_stated, upright_size
from rushes.labels import Annotation
from rushes.records import Source
from rushes.sources import read_sources
from rushes.workspace import Workspace
from tests.rushes.runs import manifest, run, settings

SIZE = (40, 24)


def picture(path: Path, turned: int = 1, size: tuple[int, int] = SIZE) -> Path:
    """Writes a picture that is of this size as it is stored, and turned as its EXIF says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image, exif = Image.new("RGB", size, "red"), Image.Exif()
    exif[0x0112] = turned
    if turned == 1:
        image.save(path)
    else:
        image.save(path, exif=exif)
    return path


def coco(path: Path, width: int, height: int, *boxes: tuple[int, int, int, int], name: str = "a.jpg") -> Path:
    labels = [{"id": n, "image_id": 1, "category_id": 1, "bbox": box} for n, box in enumerate(boxes, 1)]
    images = [{"id": 1, "file_name": name, "width": width, "height": height}]
    path.write_text(json.dumps({"images": images, "annotations": labels, "categories": [{"id": 1, "name": "car"}]}))
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


@pytest.mark.parametrize(
    ("turned", "stated", "code"),
    [
        (1, SIZE, None),
        (1, (80, 48), "bad_annotation"),
        (1, (24, 40), "bad_annotation"),
        (6, (24, 40), None),
        (6, SIZE, "bad_annotation"),
        (3, SIZE, None),
        (1, (0, 0), None),
    ],
)
def test_labels_that_were_drawn_for_another_size_are_refused(
    workspace: Workspace, tmp_path: Path, turned: int, stated: tuple[int, int], code: str | None
) -> None:
    picture(tmp_path / "a.jpg", turned)
    picture(tmp_path / "b.jpg", size=(30, 30))
    source = coco(tmp_path / "val.json", *stated, (1, 2, 3, 4))
    found = run(settings(workspace, [], source=str(source)), workspace)
    row = manifest(Path(str(found.dataset)))["a"]
    assert (row.status, row.error_code) == (("failed", code) if code else ("ok", None))
    if code:
        upright = "24x40" if turned == 6 else "40x24"
        message = row.error or ""
        assert message.startswith("val.json, a.jpg: ")
        assert f"labels for {stated[0]}x{stated[1]} pixels, and it is {upright} as shown upright" in message
        assert ("before its EXIF turns it" in message) == (turned == 6)


def test_a_conversion_all_of_whose_images_have_another_size_says_which(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    source = coco(tmp_path / "val.json", 80, 48, (1, 2, 3, 4))
    with pytest.raises(RunFailedError, match=r"size_differs 1.*a.jpg: labels for 80x48 pixels, and it is 40x24"):
        convert(source, tmp_path / "made", None, "yolo")


def test_a_size_says_nothing_where_nothing_is_in_the_picture(workspace: Workspace, tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg")
    found = run(settings(workspace, [], source=str(coco(tmp_path / "val.json", 99, 99))), workspace)
    row = manifest(Path(str(found.dataset)))["a"]
    assert (row.status, row.width, row.height) == ("ok", *SIZE)


VOC_SIZE = "<size><width>99</width><height>24</height></size>"
VOC_BOX = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>4</xmax><ymax>6</ymax></bndbox>"
VOC = f"<annotation>{VOC_SIZE}<object><name>car</name>{VOC_BOX}</object></annotation>"


@pytest.mark.parametrize("name", ["labels.json", "a.xml", "dm.json"])
def test_label_files_of_rows_say_it_too(workspace: Workspace, tmp_path: Path, name: str) -> None:
    picture(tmp_path / "a.jpg")
    coco(tmp_path / "labels.json", 99, 24, (1, 2, 3, 4))
    (tmp_path / "a.xml").write_text(VOC)
    labelled = Labelled("a", "a.jpg", 99, 24, annotations=(Annotation("car", box=(1, 2, 3, 4)),))
    (tmp_path / "dm.json").write_bytes(dump(render(labelled, "v2")[0]))
    config = settings(workspace, [{"id": "a", "url": "a.jpg", "annotations": name}])
    (source,) = read_sources(config.source)
    assert isinstance(source, Source)
    assert source.size == (99, 24)
    row = manifest(Path(str(run(config, workspace).dataset)))["a"]
    assert (row.status, row.error_code) == ("failed", "bad_annotation")


@pytest.mark.parametrize("media", ["copy", "none"])
def test_a_conversion_leaves_such_images_out_where_it_can_look(tmp_path: Path, media: str) -> None:
    source = tmp_path / "source"
    picture(source / "a.jpg")
    picture(source / "b.png", 6)
    images = [
        {"id": 1, "file_name": "a.jpg", "width": 40, "height": 24},
        {"id": 2, "file_name": "b.png", "width": 40, "height": 24},
    ]
    labels = [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 2, 3, 4]} for n in (1, 2)]
    (source / "val.json").write_text(
        json.dumps({"images": images, "annotations": labels, "categories": [{"id": 1, "name": "car"}]})
    )
    found = convert(source, tmp_path / "made", None, "yolo", media=media)  # type: ignore[arg-type]  # one of the modes
    looked = media != "none"
    assert (found.items, found.left_out) == ((1, {"size_differs": 1}) if looked else (2, {}))
    assert any("b.png: labels for 40x24 pixels, and it is 24x40" in said for said in found.warnings) == looked
    if looked:
        with pytest.raises(StrictError, match=r"size_differs 1"):
            convert(source, tmp_path / "strict", None, "yolo", media="copy", strict=True)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif"])
@pytest.mark.parametrize("turned", [1, 3, 6])
def test_headers_of_any_format_say_the_size_as_pillow_does(tmp_path: Path, suffix: str, turned: int) -> None:
    if suffix == ".bmp" and turned != 1:
        pytest.skip("a BMP says nothing of being turned")
    path = picture(tmp_path / f"a{suffix}", turned)
    upright = SIZE[::-1] if turned == 6 else SIZE
    assert upright_size(path, "a") == upright
    assert is_as_stated(path, *upright)
    assert not is_as_stated(path, *upright[::-1])


def test_what_cannot_be_read_is_not_judged_here(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xc0\x00")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
    for name in ("a.jpg", "a.png", "none.jpg"):
        assert is_as_stated(tmp_path / name, 1, 1)

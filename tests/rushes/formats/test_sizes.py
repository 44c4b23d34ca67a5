from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from rushes.errors import AnnotationError
from rushes.formats.sizes import upright_size

IN_A_GIBIBYTE = """
import resource, sys
from pathlib import Path
from rushes.formats.sizes import upright_size
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
try:
    upright_size(Path(sys.argv[1]), "here")
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(("turn", "size"), [(1, (30, 20)), (3, (30, 20)), (6, (20, 30)), (8, (20, 30))])
def test_a_size_is_that_of_the_picture_as_it_is_shown(tmp_path: Path, turn: int, size: tuple[int, int]) -> None:
    picture = Image.new("RGB", (30, 20))
    exif = picture.getexif()
    exif[0x0112] = turn
    for name in ("a.jpg", "a.png"):
        picture.save(tmp_path / name, exif=exif)
        assert upright_size(tmp_path / name, "here") == size


def test_a_picture_that_states_parts_larger_than_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (30, 20)).save(path)
    content = path.read_bytes()
    at = content.index(b"IDAT") - 4
    path.write_bytes(content[:at] + (2**31 - 1).to_bytes(4, "big") + content[at + 4 :])
    argv = [sys.executable, "-c", IN_A_GIBIBYTE, str(path)]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]).stdout
    assert said.strip() == AnnotationError.__name__


@pytest.mark.parametrize("content", [None, b"", b"GIF89a", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AnnotationError, match=r"^here: a\.png (is not there|cannot be read as a picture)"):
        upright_size(path, "here")

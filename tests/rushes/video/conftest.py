from pathlib import Path

import pytest

from tests.rushes.video.clips import card, coloured, halves


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small clips: coloured.mp4, halves.mp4, card.mp4 (with sound)."""
    folder = tmp_path_factory.mktemp("clips")
    coloured(folder / "coloured.mp4")
    halves(folder / "halves.mp4")
    card(folder / "card.mp4", sound=True)
    return folder


@pytest.fixture
def damaged(clips: Path, tmp_path: Path) -> Path:
    """A clip whose index is whole and whose frames are zeros from the middle on."""
    content = bytearray((clips / "card.mp4").read_bytes())
    start = content.index(b"mdat") + 4
    middle = start + (content.index(b"moov") - start) // 2
    content[middle : middle + 2000] = bytes(2000)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    return path

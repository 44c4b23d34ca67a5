import pytest

from rushes.export import BaseExporter
from rushes.export.base import built_in
from rushes.layouts import LAYOUTS, layout_of


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_has_an_exporter_of_its_own(name: str) -> None:
    kind = built_in(name)
    assert issubclass(kind, BaseExporter)
    assert [other for other in LAYOUTS if built_in(other) is kind] == [name]


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_holds_something(name: str) -> None:
    assert LAYOUTS[name].images or LAYOUTS[name].videos


def test_an_exporter_of_ones_own_is_given_images_and_whole_videos() -> None:
    own = layout_of("captions:CaptionExporter")
    assert own.images
    assert own.videos
    assert not own.carries_dm

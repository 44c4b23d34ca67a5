"""How a video's numbers stand for colours and brightness, and how high dynamic range is toned down to the ordinary."""

from __future__ import annotations

import msgspec

from rushes.video.binaries import filters, find

__all__ = ["Colours", "can_tone_map", "tone_map"]

_HDR = frozenset({"smpte2084", "arib-std-b67"})
_UNSAID = frozenset({"unknown", "reserved"})
_TONE_MAP = (
    "zscale=t=linear:npl=100",
    "format=gbrpf32le",
    "zscale=p=bt709",
    "tonemap=hable:desat=0",
    "zscale=t=bt709:m=bt709:r=tv",
    # Said, because some zscale leaves RGB, and what makes YUV of it takes the matrix of small pictures.
    "format=yuv444p10le",
)


class Colours(msgspec.Struct, frozen=True):
    """What a stream says of its colours, in ffmpeg's names; empty where it does not say.

    Attributes:
        transfer: How numbers grow with brightness.
        primaries: Which red, green and blue are meant.
        matrix: How they are mixed to luma and chroma.
    """

    transfer: str = ""
    primaries: str = ""
    matrix: str = ""

    @classmethod
    def of(cls, *names: str) -> Colours:
        """Returns what ffprobe says: transfer, primaries, matrix."""
        return cls(*("" if name in _UNSAID else name for name in names))

    @property
    def hdr(self) -> bool:
        """Whether the brightness follows PQ or HLG."""
        return self.transfer in _HDR


def can_tone_map() -> bool:
    """Says whether the ffmpeg at hand can turn HDR into ordinary brightness."""
    return {"zscale", "tonemap"} <= filters(find("ffmpeg"))


def tone_map(colours: Colours) -> list[str]:
    """Returns the filters that turn HDR into ordinary brightness.

    What is not said is taken to be BT.2020, as all HDR is (ITU-R BT.2100); zscale refuses to guess.
    """
    unsaid = {"color_primaries=bt2020": colours.primaries, "colorspace=bt2020nc": colours.matrix}
    filled = ":".join(setting for setting, said in unsaid.items() if not said)
    return [*([f"setparams={filled}"] if filled else []), *_TONE_MAP]

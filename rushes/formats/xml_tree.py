"""XML from outside, read whole: no entities, no endless files, no nesting without end."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from rushes.errors import AnnotationError
from rushes.formats.folder import read_whole

__all__ = ["MAX_XML_BYTES", "read_xml", "text_of"]

MAX_XML_BYTES = 16 * 2**20
"""A longer file is no list of the objects of one image."""
_MAX_DEPTH = 32


class _TooDeepError(ValueError):
    """Elements in each other, and no end."""


class _Shallow(TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _TooDeepError(f"more than {_MAX_DEPTH} elements in each other")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def read_xml(path: Path, where: str | None = None) -> Element:
    """Returns the root of an XML file.

    Args:
        path: The file.
        where: What messages call it; by default its name.

    Raises:
        AnnotationError: It is no XML, declares entities, nests too deeply, or is too long; it says where.
    """
    where = where or path.name
    parser = XMLParser(target=_Shallow())
    try:
        parser.feed(read_whole(path, MAX_XML_BYTES, where))
        root: Element = parser.close()
    except ParseError as error:
        raise AnnotationError(f"{where}:{error.position[0]}: not valid XML: {error}. Expected one document.") from None
    except DefusedXmlException as error:
        raise AnnotationError(f"{where}: entities are not read, because they may be bombs: {error!r}.") from None
    except (ValueError, LookupError) as error:  # expat's words for encodings that it does not know
        raise AnnotationError(f"{where}: not XML that can be read: {error}. Save it as UTF-8.") from None
    return root


def text_of(parent: Element, tag: str) -> str:
    """Returns the text of the first child with this tag, without the blanks around it; empty where there is none."""
    return (parent.findtext(tag) or "").strip()

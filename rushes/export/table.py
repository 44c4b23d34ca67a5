"""The CSV layout: `labels.csv` beside the media that it names.

labels.csv  media/train/a.jpg  classes.txt
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rushes.export.base import BaseExporter, media_path
from rushes.export.items import item_of, write_classes
from rushes.formats import table
from rushes.records import Sample

__all__ = ["CsvExporter"]


class CsvExporter(BaseExporter):
    """Writes all that labels say, images and videos alike."""

    def process_file_saving(self, data: Sample, export_path: Path) -> None:
        """Places the file, and hands its rows to the end."""
        path = media_path(data, "media")
        rows, _ = table.render(item_of(data, path))
        self.run.place(data, path)
        self.run.emit("rows", rows)

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes `labels.csv` and `classes.txt`."""
        self.run.write(table.LABELS, self._content())
        write_classes(self.run)

    def _content(self) -> Any:
        yield table.HEADER.encode()
        for rows in self.run.parts("rows"):
            yield rows.encode()

"""Exporters of one's own: four that gather something over all items and write it down at the end.

    rushes run pipeline.yaml --set export.format=exporters:YOLOExporter

This module stands beside the pipeline file, so it travels to the workers with the run. docs/exporters.md says what runs
where, and how what is gathered on `self` comes together.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from rushes.export import BaseExporter

__all__ = ["ConfigurationExporter", "IndexExporter", "SummaryExporter", "YOLOExporter"]


class YOLOExporter(BaseExporter):
    """Places the media, and writes class names, a configuration and statistics into `data/`."""

    def __init__(self, run: Any, export_items: Any, path_root: Any, **params: Any) -> None:
        super().__init__(run, export_items, path_root, **params)
        self.class_names: set[str] = set()
        self.dataset_stats: dict[str, Any] = {"total_images": 0, "total_annotations": 0, "class_distribution": {}}

    def convert_data(self, data: Any) -> Any:
        """Counts what is in the item, which goes on as it is."""
        counts = self.dataset_stats["class_distribution"]
        for annotation in data.annotations:
            self.class_names.add(annotation.label)
            counts[annotation.label] = counts.get(annotation.label, 0) + 1
        self.dataset_stats["total_images"] += 1
        self.dataset_stats["total_annotations"] += len(data.annotations)
        return data

    def additional_file_saving(self, export_path: Any) -> None:
        """Writes three files about the whole dataset."""
        data_dir = Path(export_path) / "data"
        data_dir.mkdir(exist_ok=True)
        names = sorted(self.class_names)
        (data_dir / "classes.txt").write_text("".join(f"{name}\n" for name in names))
        # Without `path`: the dataset may be moved, and export_path is only where it grows.
        config = {"train": "../train", "val": "../val", "names": dict(enumerate(names))}
        with (data_dir / "dataset.yaml").open("w") as file:
            yaml.safe_dump(config, file, default_flow_style=False)
        with (data_dir / "export_stats.json").open("w") as file:
            json.dump(self.dataset_stats, file, indent=2)
        self.run.log_message(f"wrote {len(names)} classes, a configuration and statistics to {data_dir}")


class ConfigurationExporter(BaseExporter):
    """Writes one file that a training framework reads: how many samples there are, and which classes."""

    def __init__(self, run: Any, export_items: Any, path_root: Any, **params: Any) -> None:
        super().__init__(run, export_items, path_root, **params)
        self.class_mapping: dict[str, int] = {}
        self.processed_items: list[str] = []

    def convert_data(self, data: Any) -> Any:
        """Numbers the classes as they come."""
        for annotation in data.annotations:
            if annotation.label not in self.class_mapping:
                self.class_mapping[annotation.label] = len(self.class_mapping)
        self.processed_items.append(data.id)
        return data

    def additional_file_saving(self, export_path: Any) -> None:
        """Writes the configuration; a time comes from `export.params`, so that the same input gives the same file."""
        config = {
            "dataset_name": self.params["name"],
            "created_at": self.params.get("created_at"),
            "total_samples": len(self.processed_items),
            "classes": list(self.class_mapping),
        }
        (Path(export_path) / "dataset_config.json").write_text(json.dumps(config, indent=2))


class SummaryExporter(BaseExporter):
    """Adds to `export_summary.json`, which is where times stand."""

    def additional_file_saving(self, export_path: Any) -> None:
        """Writes keys that stand in the summary beside those that rushes writes."""
        summary = {
            "export_info": {
                "plugin_name": type(self).__name__,
                "export_time": datetime.now().astimezone().isoformat(),
                "export_path": self.params["output"],
            },
            "statistics": self.get_export_statistics(),
            "errors": self.get_error_summary(),
        }
        (Path(export_path) / "export_summary.json").write_text(json.dumps(summary, indent=2))


class IndexExporter(BaseExporter):
    """Writes the labels of each item into a file of its own, and a list of all of them."""

    def __init__(self, run: Any, export_items: Any, path_root: Any, **params: Any) -> None:
        super().__init__(run, export_items, path_root, **params)
        self.processed_items: list[dict[str, Any]] = []

    def process_file_saving(self, data: Any, export_path: Any) -> None:
        """Places the media, and writes its labels beside it."""
        placed = self.run.place(data, f"origin_files/{data.name}{Path(data.path).suffix}")
        labels = [{"class_name": label.label, "box": label.box} for label in data.annotations]
        self.run.write(f"json/{data.name}.json", json.dumps(labels).encode())
        self.processed_items.append({"original_filename": placed.path, "stem": data.name})

    def additional_file_saving(self, export_path: Any) -> None:
        """Writes the index, in place of the one that rushes writes."""
        index = [
            {"original_file": item["original_filename"], "json_file": f"{item['stem']}.json"}
            for item in self.processed_items
        ]
        (Path(export_path) / "file_index.json").write_text(json.dumps(index, indent=2))

"""The layout of WebDataset: shards of samples, in the order of the source.

    train-000000.tar  train-000001.tar  val-000000.tar  classes.txt  shards.json

Batches write no shards: where they were cut would show in them, and a dataset must not depend on that. They hand over
what they know of their samples, and at the end, when all of it is there, shards are filled one after the other, each
until the next sample would make it larger than `export.shard_bytes`. So a shard depends on the samples before it in its
split, and on nothing else: what is added at the end of a source changes the last shard only.

In the manifest, the path of a sample is that of its member, `train/a.jpg`, in one of the shards of its split.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from rushes.errors import StorageError
from rushes.export.base import BaseExporter
from rushes.export.items import item_of, write_classes
from rushes.formats import webdataset
from rushes.jsonl import json_bytes
from rushes.records import Sample

__all__ = ["WebDatasetExporter"]

_CHUNK_BYTES = 2**20


class _Described(NamedTuple):
    sample: Sample
    texts: list[webdataset.Member]


class _Packed(NamedTuple):
    """A sample on its way into a shard: the names of its members, and where they are."""

    media_name: str
    path: str
    size_bytes: int
    texts: list[tuple[str, str]]

    @property
    def packed_bytes(self) -> int:
        texts = sum(webdataset.packed_bytes(name, len(text.encode())) for name, text in self.texts)
        return webdataset.packed_bytes(self.media_name, self.size_bytes) + texts


class WebDatasetExporter(BaseExporter):
    """Writes images and videos into shards, with all that labels say."""

    def convert_data(self, data: Sample) -> Any:
        """Returns the sample with the members that stand beside its media."""
        texts, _ = webdataset.render(item_of(data, data.path), self.params["classes"])
        return _Described(data, texts)

    def process_file_saving(self, data: Any, export_path: Path) -> None:
        """Hands the sample to the end; its media stay in the workspace until then."""
        sample, texts = data
        key = webdataset.key_of(sample.name)
        name = key + PurePosixPath(sample.path).suffix.lower()
        named = [(f"{key}.{suffix}", content.decode()) for suffix, content in texts]
        self.run.placed = f"{sample.split}/{name}"
        self.run.emit(f"sample {sample.split}", _Packed(name, sample.path, sample.size_bytes, named))
        self.run.emit("split", sample.split)

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes the shards, `shards.json` and `classes.txt`."""
        shards = []
        for split in sorted(set(self.run.parts("split"))):
            for number, group in enumerate(self._groups(split)):
                written = self.run.write(webdataset.shard_name(split, number), self._shard(group))
                shards.append(
                    {"path": written.path, "split": split, "samples": len(group), "size_bytes": written.size_bytes}
                )
        self.run.write("shards.json", json_bytes({"shards": shards}))
        write_classes(self.run)

    def _groups(self, split: str) -> Iterator[list[_Packed]]:
        group: list[_Packed] = []
        size_bytes = 0
        for part in self.run.parts(f"sample {split}"):
            packed = _Packed(*part)
            if group and size_bytes + packed.packed_bytes + len(webdataset.END) > self.params["shard_bytes"]:
                yield group
                group, size_bytes = [], 0
            group.append(packed)
            size_bytes += packed.packed_bytes
        if group:
            yield group

    def _shard(self, group: list[_Packed]) -> Iterator[bytes]:
        for packed in group:
            yield webdataset.header(packed.media_name, packed.size_bytes)
            yield from self._media(packed)
            yield webdataset.padding(packed.size_bytes)
            for name, text in packed.texts:
                content = text.encode()
                yield webdataset.header(name, len(content)) + content + webdataset.padding(len(content))
        yield webdataset.END

    def _media(self, packed: _Packed) -> Iterator[bytes]:
        left = packed.size_bytes
        with self.run.stored(packed.path).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                left -= len(chunk)
                yield chunk
        if left:
            raise StorageError(
                f"{packed.path}: is {packed.size_bytes - left} bytes long; expected {packed.size_bytes}, as when it "
                "came in. Something changed the workspace: remove the file, and run again."
            )

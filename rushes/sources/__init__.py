"""What a run is asked to bring: the rows of a source file, or the items of a dataset, one at a time."""

from rushes.sources.reading import read_sources

__all__ = ["read_sources"]

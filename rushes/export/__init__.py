"""Exporters: samples in, the files of a dataset out."""

from rushes.export.base import BaseExporter

__all__ = ["BaseExporter"]

"""Exporters: samples in, the files of a dataset out."""

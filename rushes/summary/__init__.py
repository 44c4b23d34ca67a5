"""Datasets proven and counted: manifest, stats, checksums."""

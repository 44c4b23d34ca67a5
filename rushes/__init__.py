"""Turns a list of media URLs into a verified, versioned training dataset: the library, with no Prefect and no Ray."""

__version__ = "0.1.0"

__all__ = ["__version__"]

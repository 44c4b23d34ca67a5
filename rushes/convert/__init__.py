"""From a dataset of one layout to one of another: any reader, any exporter, and no orchestrator.

read_dataset ──▶ Labelled ── samples ──▶ Sample ── an exporter, on OwnFiles ──▶ files, and a Tally of them
"""

from rushes.convert.conversion import convert
from rushes.convert.tally import Conversion

__all__ = ["Conversion", "convert"]

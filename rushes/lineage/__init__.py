"""Events about runs for catalogues that follow where data comes from, as OpenLineage has them."""

from __future__ import annotations

from rushes.lineage.trace import JobRun, traced

__all__ = ["JobRun", "traced"]

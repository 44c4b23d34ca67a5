"""What all tasks have in common."""

from __future__ import annotations

from typing import Any

from prefect.cache_policies import NO_CACHE

__all__ = ["BATCH", "STEP"]

STEP: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
"""Results are a few numbers and travel by themselves; what lasts stands in the workspace."""

BATCH: dict[str, Any] = STEP | {"retries": 2, "retry_delay_seconds": 1}
"""Items are retried inside their batch; this is for a batch that broke, and it skips what it had done."""

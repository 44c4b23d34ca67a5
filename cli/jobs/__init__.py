"""`rushes jobs`: what a Ray cluster does, from outside, over its dashboard's API."""

from cli.jobs.commands import jobs

__all__ = ["jobs"]

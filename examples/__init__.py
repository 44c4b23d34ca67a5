"""Runnable examples of the project."""

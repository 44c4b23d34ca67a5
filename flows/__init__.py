"""Prefect flows: what runs after what, and on which runner."""

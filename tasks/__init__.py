"""Prefect tasks: one thin wrapper per step, over batches."""

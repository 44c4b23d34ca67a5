"""The library: plain Python, no Prefect, no Ray."""

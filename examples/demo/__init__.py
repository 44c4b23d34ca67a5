"""The main job on a generated media set, served over HTTP: `python -m examples.demo`."""

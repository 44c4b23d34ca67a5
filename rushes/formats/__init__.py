"""Annotation formats: sibling modules of one shape.

`read(path)` gives a `Dataset`, one item at a time; `render(…)` gives what a format writes for one item, and the reason
codes of what it cannot say. Neither knows of pipelines: exporters and `rushes convert` stand above.
"""

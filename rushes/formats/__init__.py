"""Annotation formats: sibling modules of one shape, each pure text in and text out."""

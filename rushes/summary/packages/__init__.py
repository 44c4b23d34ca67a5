"""Descriptions of a dataset that other programs read: each is written from its facts, none from another."""

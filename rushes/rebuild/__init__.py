"""A dataset fetched again, from its manifest and what stands beside it."""

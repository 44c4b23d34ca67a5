"""The `rushes` command."""

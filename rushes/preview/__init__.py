"""What a run would do, looked up and estimated, and never begun."""

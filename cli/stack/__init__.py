"""`make up`, `make status`, `make down`: everything that rushes runs on, on one machine."""

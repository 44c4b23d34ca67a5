"""Prefect flows: what runs after what, and on which runner."""

import os

# Ray reads this when it is imported. A node that loses its power or its network says no goodbye, and as Ray comes, a
# driver sees that a task there has no end after seven minutes: five until it asks, two until it believes. More often
# than once a minute Ray's own servers refuse to be asked.
for _name, _value in (
    ("RAY_grpc_client_keepalive_time_ms", "90000"),
    ("RAY_grpc_client_keepalive_timeout_ms", "60000"),
):
    os.environ.setdefault(_name, _value)

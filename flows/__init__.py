"""Prefect flows: what runs after what, and on which runner."""

import os

# Ray reads this when it is imported. A node that loses its power or its network says no goodbye: a driver asks after
# each task that has no end, and where no answer comes it begins the task elsewhere. As Ray comes, it asks after five
# minutes; more often than once a minute its servers refuse to be asked. And it waits for two minutes, where a node that
# is only cut off takes four until it gives itself up: the same batch would be at work twice.
for _name, _value in (
    ("RAY_grpc_client_keepalive_time_ms", "90000"),
    ("RAY_grpc_client_keepalive_timeout_ms", "270000"),
):
    os.environ.setdefault(_name, _value)

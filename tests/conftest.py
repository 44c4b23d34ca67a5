"""What all tests share: an environment of the clone's own, and properties that may take their time."""

from __future__ import annotations

import os
import secrets
import signal
from pathlib import Path

from hypothesis import HealthCheck, settings

from cli.home import prepare_environment

os.environ.setdefault("RUSHES_HOME", str(Path(__file__).parents[1] / ".rushes"))
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # Ray would write one into the user's home
os.environ.setdefault("RAY_AUTH_MODE", "token")  # Ray reads it once in a process, and it depends on what is asked first
prepare_environment(verbose=False)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored, by all that tests start, too

settings.register_profile("rushes", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rushes")

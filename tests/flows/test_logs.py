"""What a run writes for its worker, when nobody reads it any more."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.e2e.demo_run import ROOT

_RUN = """
import logging, sys
import flows.pipeline
sys.stdin.read()
for line in range(3):
    logging.getLogger("rushes").warning("line %d", line)
print("to its end")
"""


def test_a_run_goes_on_when_nobody_reads_its_log_any_more() -> None:
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", _RUN], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writer, text=True
    ) as run:
        os.close(writer)
        os.close(reader)
        said, _ = run.communicate("")
    assert said == "to its end\n"  # Python's own exit code is 120 then, for it cannot flush standard error

"""The process of the command's own Prefect server: `python -m cli.server_process SCRATCH TEMPLATE`.

Prints its port on standard output, serves, and ends when standard input is closed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import threading
from pathlib import Path

import uvicorn
from prefect.server.api.server import create_app
from prefect.server.database import provide_database_interface


def main(scratch: Path, template: Path) -> None:
    """Serves until the parent is gone."""
    threading.Thread(target=_end_with_parent, args=(scratch,), daemon=True).start()
    database = scratch / "prefect.db"
    if not database.exists():
        _migrate(database, template)
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(create_app(), log_level="warning", timeout_keep_alive=60)
    uvicorn.Server(config).run(sockets=[listener])


def _migrate(database: Path, template: Path) -> None:
    """Makes the tables, which takes many seconds, and keeps a copy of the empty database for the next time."""
    asyncio.run(provide_database_interface().create_db())
    template.parent.mkdir(parents=True, exist_ok=True)
    part = template.with_name(f".{template.name}.{os.getpid()}.part")
    shutil.copyfile(database, part)
    part.replace(template)


def _end_with_parent(scratch: Path) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

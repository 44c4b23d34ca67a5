"""The process of the command's own Prefect server: `python -m cli.server_process DATABASE TEMPLATE`.

Prints its port on standard output, and serves.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from pathlib import Path

import uvicorn
from prefect.server.api.server import create_app
from prefect.server.database import provide_database_interface


def main(database: Path, template: Path) -> None:
    """Serves; makes the database first, where there was no template to copy."""
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


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

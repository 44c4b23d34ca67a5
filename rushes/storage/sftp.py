"""Folders of machines with SSH, through paramiko."""

from __future__ import annotations

import posixpath
import queue
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from socket import socket
from urllib.parse import unquote, urlsplit

import paramiko

from rushes.errors import BadURLError, StorageAccessError
from rushes.storage.base import Body, Entry
from rushes.storage.ssh import TIMEOUT_S, connected, failure

__all__ = ["SFTPStorage"]

_CHUNK_BYTES = 1 << 20
_AHEAD = 32  # requests of 32 KiB that are on their way while a file is read
_CHANNELS = 4  # sshd allows ten in one connection


class SFTPStorage:
    """A folder on a machine with SSH: `sftp://user@host:port/path`, the path absolute, or from `/~/` in the home.

    Host keys must stand in `~/.ssh/known_hosts`. Users and keys come from the URL, the agent, and `~/.ssh`, with its
    `config`.
    """

    def __init__(self, url: str, connect: Callable[[str, int], socket] | None = None) -> None:
        parts = urlsplit(url)
        self.url = f"sftp://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        path = unquote(parts.path).rstrip("/") or "/"
        self._root = path.removeprefix("/~/") if path.startswith("/~/") else path
        self._connected = partial(connected, url, self.url, connect)
        self._lock = threading.Lock()
        self._client = self._connected()
        self._idle: queue.LifoQueue[paramiko.SFTPClient | None] = queue.LifoQueue()
        for _ in range(_CHANNELS):
            self._idle.put(None)

    def put(self, path: Path, name: str) -> None:
        """See `Storage.put`: written beside its place, its length checked, and renamed."""
        with self._beside(name) as (sftp, part):
            sftp.put(str(path), part, confirm=True)

    def write(self, name: str, data: bytes) -> None:
        """See `Storage.write`."""
        with self._beside(name) as (sftp, part), sftp.open(part, "wb") as file:
            file.write(data)

    def create(self, name: str, data: bytes) -> bool:
        """See `Storage.create`."""
        with self._channel(name) as sftp:
            _make_folders(sftp, posixpath.dirname(self._path(name)))
            try:
                with sftp.open(self._path(name), "wx") as file:
                    file.write(data)
            except OSError:  # version 3 of the protocol has no code of its own for a file that is there
                if self._stat(sftp, name) is None:
                    raise
                return False
        return True

    def get(self, name: str, path: Path) -> None:
        """See `Storage.get`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        with self._channel(name) as sftp:
            sftp.get(self._path(name), str(part), max_concurrent_prefetch_requests=_AHEAD)
        part.replace(path)

    def read(self, name: str) -> bytes | None:
        """See `Storage.read`."""
        with self._channel(name) as sftp:
            try:
                with sftp.open(self._path(name), "rb") as file:
                    return bytes(file.read())
            except FileNotFoundError:
                return None

    def open(self, name: str, known: str | None = None) -> Body | None:
        """See `Storage.open`."""
        with self._channel(name) as sftp:
            entry = _entry(name, sftp.stat(self._path(name)))
        return None if entry.etag == known else Body(entry, self._chunks(entry))

    def list(self, folder: str = "") -> Iterator[Entry]:
        """See `Storage.list`."""
        waiting = [folder]
        while waiting:
            current = waiting.pop()
            with self._channel(current) as sftp:
                try:
                    found = sftp.listdir_attr(self._path(current))
                except FileNotFoundError:
                    continue
            for item in found:
                name = posixpath.join(current, item.filename)
                if stat.S_ISDIR(item.st_mode or 0):
                    waiting.append(name)
                else:
                    yield _entry(name, item)

    def move(self, old: str, new: str) -> None:
        """See `Storage.move`."""
        with self._channel(old) as sftp:
            _make_folders(sftp, posixpath.dirname(self._path(new)))
            sftp.posix_rename(self._path(old), self._path(new))

    def replace(self, old: str, new: str, last: str) -> None:
        """See `Storage.replace`: two renames, so that no file comes last, and then the old files go."""
        aside = f"{posixpath.dirname(new)}/.{posixpath.basename(new)}.old".lstrip("/")
        with self._channel(new) as sftp:
            _remove(sftp, self._path(aside))
            if self._stat(sftp, new):
                sftp.posix_rename(self._path(new), self._path(aside))
            sftp.posix_rename(self._path(old), self._path(new))
            _remove(sftp, self._path(aside))

    def delete(self, name: str) -> None:
        """See `Storage.delete`."""
        with self._channel(name) as sftp:
            try:
                sftp.remove(self._path(name))
            except FileNotFoundError:
                return

    def close(self) -> None:
        """See `Storage.close`."""
        self._client.close()

    def _path(self, name: str) -> str:
        return posixpath.join(self._root, name) if name else self._root

    def _stat(self, sftp: paramiko.SFTPClient, name: str) -> paramiko.SFTPAttributes | None:
        try:
            return sftp.stat(self._path(name))
        except FileNotFoundError:
            return None

    def _chunks(self, entry: Entry) -> Iterator[bytes]:
        with self._channel(entry.name) as sftp, sftp.open(self._path(entry.name), "rb") as file:
            file.prefetch(entry.size_bytes, _AHEAD)
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    @contextmanager
    def _beside(self, name: str) -> Iterator[tuple[paramiko.SFTPClient, str]]:
        target = self._path(name)
        part = posixpath.join(posixpath.dirname(target), f".{secrets.token_hex(8)}.part")
        with self._channel(name) as sftp:
            _make_folders(sftp, posixpath.dirname(target))
            yield sftp, part
            sftp.posix_rename(part, target)

    @contextmanager
    def _channel(self, name: str) -> Iterator[paramiko.SFTPClient]:
        """Lends one of a few channels, because replies to two threads would get mixed up in one."""
        where = f"{self.url}/{name}"
        sftp = self._idle.get()
        try:
            if sftp is None or sftp.get_channel().closed:  # type: ignore[union-attr]  # an open client has one
                sftp = self._opened()
            yield sftp
        except FileNotFoundError:
            raise BadURLError(f"{where}: no such file. Check the URL, and whether it still exists.") from None
        except PermissionError:
            raise StorageAccessError(f"{where}: the server refuses access. Check the folder's permissions.") from None
        except (OSError, EOFError, paramiko.SSHException) as error:
            sftp = None  # what it would say next may answer an earlier question
            raise failure(error, where) from None
        finally:
            self._idle.put(sftp)

    def _opened(self) -> paramiko.SFTPClient:
        """Opens a channel, over a new connection where the old one was lost."""
        with self._lock:
            transport = self._client.get_transport()
            if transport is None or not transport.is_active():
                self._client.close()
                self._client = self._connected()
            sftp = self._client.open_sftp()
        sftp.get_channel().settimeout(TIMEOUT_S)  # type: ignore[union-attr]  # it was just opened
        return sftp


def _entry(name: str, found: paramiko.SFTPAttributes) -> Entry:
    size_bytes = found.st_size or 0
    return Entry(name, size_bytes, f'"{found.st_mtime or 0:x}-{size_bytes:x}"')


def _make_folders(sftp: paramiko.SFTPClient, path: str) -> None:
    if path in ("", "/"):
        return
    try:
        sftp.stat(path)
    except FileNotFoundError:
        _make_folders(sftp, posixpath.dirname(path))
        try:
            sftp.mkdir(path)
        except OSError:  # somebody else made it meanwhile, or the rename that follows says what is wrong
            sftp.stat(path)


def _remove(sftp: paramiko.SFTPClient, path: str) -> None:
    """Removes a folder and all that is in it, where it is there."""
    try:
        found = sftp.listdir_attr(path)
    except FileNotFoundError:
        return
    for item in found:
        below = posixpath.join(path, item.filename)
        _remove(sftp, below) if stat.S_ISDIR(item.st_mode or 0) else sftp.remove(below)
    sftp.rmdir(path)

"""Following a job's log, over Ray's WebSocket or over chunked HTTP, to the last line that it wrote."""

from __future__ import annotations

import asyncio
import codecs
import io
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp

from rushes.cluster.limits import Meter
from rushes.cluster.records import Job
from rushes.errors import ClusterError, ClusterUnreachableError, StreamTimeoutError

if TYPE_CHECKING:
    from rushes.cluster.sdk import Jobs

__all__ = ["batches", "over_http", "over_websocket"]

_LOOK_S = 0.5  # how often to look whether a job that says nothing has begun, or ended
_SETTLE_S = 5.0  # how long a job's state may lag behind the end of its log
_HEARTBEAT_S = 30.0
_MAX_MESSAGE_BYTES = 32 * 2**20
_PIECE = 16_384  # characters of a log that is there already: a message like those of a stream
_AGENT = "/api/v0/logs/stream"

Chunks = AsyncGenerator[str, None]
Look = Callable[[], Job]


async def batches(
    chunks: Chunks, meter: Meter, stream_timeout_s: float | None, what: str
) -> AsyncGenerator[list[str], None]:
    """Yields what chunks bring as lists of whole lines, without their ends.

    Raises:
        StreamTimeoutError: Nothing came for so long.
        StreamLimitError: More came than the limits allow.
    """
    rest = ""
    async with aclosing(chunks):
        while True:
            try:
                chunk = await asyncio.wait_for(anext(chunks), stream_timeout_s)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise StreamTimeoutError(
                    f"The log of {what} said nothing for {stream_timeout_s:g} s; the job goes on. Follow it again, "
                    "with a longer stream_timeout or none."
                ) from None
            meter.message(chunk)
            *whole, rest = (rest + chunk).split("\n")
            meter.size(len(rest))
            for _ in whole:
                meter.line()
            if whole:
                yield whole
    if rest:
        meter.line()
        yield [rest]


async def over_websocket(jobs: Jobs, look: Look, job: Job, url: str) -> Chunks:
    """Yields what Ray sends over a WebSocket, which it closes when the job has ended.

    Not by Ray's own client, which leaves the socket open when nobody wants to hear more, and does not notice when the
    other side is gone.
    """
    path = f"{url}/api/jobs/{quote(job.id, safe='')}/logs/tail"
    try:
        async with (
            aiohttp.ClientSession(headers=jobs.stream_headers()) as session,
            session.ws_connect(path, ssl=jobs.ssl, heartbeat=_HEARTBEAT_S, max_msg_size=_MAX_MESSAGE_BYTES) as socket,
        ):
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    yield message.data
    except (aiohttp.ClientError, OSError) as error:
        raise _lost(url, job, f"{type(error).__name__}: {error}") from None
    if not await _has_ended(look):
        raise _lost(url, job, "the stream was closed")


async def over_http(jobs: Jobs, look: Look, job: Job, url: str) -> Chunks:
    """Yields what the agent of the job's node sends as it is written, and at the end what the stream had not brought.

    The stream does not end with the job, so the job is looked at whenever nothing comes. The last lines are then read
    from the whole log, of which the stream has brought the beginning.
    """
    while job.node_id is None and not job.ended:
        await asyncio.sleep(_LOOK_S)
        job = await asyncio.to_thread(look)
    brought = 0
    if not job.ended:
        async with aclosing(_streamed(jobs, look, job, url)) as stream:
            async for chunk in stream:
                brought += len(chunk)
                yield chunk
    whole: str = await asyncio.to_thread(jobs.get_job_logs, job.id)
    for start in range(brought, len(whole), _PIECE):
        yield whole[start : start + _PIECE]


async def _streamed(jobs: Jobs, look: Look, job: Job, url: str) -> Chunks:
    # Ray refuses the submission id alone. Its log is read as text, with every line ending as a newline.
    query = {"submission_id": job.id, "node_id": str(job.node_id), "lines": "-1", "interval": str(_LOOK_S)}
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
    timeout = aiohttp.ClientTimeout(total=None)
    try:
        async with (
            aiohttp.ClientSession(headers=jobs.stream_headers(), timeout=timeout) as session,
            session.get(url + _AGENT, params=query, ssl=jobs.ssl) as answer,
        ):
            if answer.status != HTTPStatus.OK:
                raise ClusterError(f"{url}: the log of {job.id} cannot be streamed (HTTP {answer.status}).")
            async for data in _until_ended(answer.content, look):
                if text := decoder.decode(data):
                    yield text
    except (aiohttp.ClientError, OSError) as error:
        raise _lost(url, job, f"{type(error).__name__}: {error}") from None


async def _until_ended(content: aiohttp.StreamReader, look: Look) -> AsyncGenerator[bytes, None]:
    reading: asyncio.Task[Any] | None = None
    try:
        while True:
            reading = reading or asyncio.create_task(content.readany())
            done, _ = await asyncio.wait({reading}, timeout=_LOOK_S)
            if done:
                data, reading = reading.result(), None
                if not data:
                    break
                yield data
            elif (await asyncio.to_thread(look)).ended:
                return
    finally:
        if reading is not None:
            reading.cancel()
    if not await _has_ended(look):
        raise aiohttp.ClientPayloadError("the stream was closed")


async def _has_ended(look: Look) -> bool:
    for _ in range(int(_SETTLE_S / _LOOK_S)):
        if (await asyncio.to_thread(look)).ended:
            return True
        await asyncio.sleep(_LOOK_S)
    return False


def _lost(url: str, job: Job, reason: str) -> ClusterUnreachableError:
    return ClusterUnreachableError(
        f"{url}: the log of {job.id} broke off ({reason.rstrip('. ')}). The job may go on: look with `rushes jobs show "
        f"{job.id}`, and follow it again."
    )

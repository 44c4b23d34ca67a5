import threading
import time
from pathlib import Path

import pytest

from rushes.config import DownloadConfig
from rushes.errors import TransferTimeoutError
from rushes.files.download import fetch
from rushes.records import Source
from rushes.transfer import patience
from rushes.transfer.guard import GuardedSession, guarded_session
from rushes.transfer.patience import Patience
from rushes.transfer.request import opened
from tests import http_server as web
from tests.http_server import Answer, Handler, serve

CONFIG = DownloadConfig(allow_private_hosts=("127.0.0.1", "localhost", "::1"))


def get(url: str, session: GuardedSession, config: DownloadConfig = CONFIG) -> bytes:
    with opened(url, session, config, {}) as transfer:
        return b"".join(transfer.chunks())


def timed(url: str, session: GuardedSession) -> float:
    start_s = time.monotonic()
    assert get(url, session)
    return time.monotonic() - start_s


@pytest.mark.parametrize("status", [429, 503])
def test_what_one_is_told_all_who_ask_the_host_heed(tmp_path: Path, status: int) -> None:
    times: dict[str, float] = {}

    def noted(handler: Handler) -> None:
        times[handler.path] = time.monotonic()
        web.ok(b"x")(handler)

    routes: dict[str, Answer | bytes] = {f"/{number}": noted for number in range(4)}
    routes["/busy"] = web.after(1, web.status(status, Retry_After=1), noted)
    with serve(routes) as server, guarded_session(CONFIG) as session:

        def one(path: str) -> None:
            assert fetch(Source(path, server.url(path)), tmp_path, path.strip("/"), CONFIG, session)

        first = threading.Thread(target=one, args=("/busy",))
        start_s = time.monotonic()
        first.start()
        while not session.gate.asked(server.url("/")):
            time.sleep(0.001)
        others = [threading.Thread(target=one, args=(f"/{number}",)) for number in range(4)]
        for thread in others:
            thread.start()
        for thread in [first, *others]:
            thread.join()
    assert len(times) == 5
    assert all(1 <= moment - start_s < 3.5 for moment in times.values())


def test_another_host_and_another_port_need_no_patience() -> None:
    with serve({"/": b"x"}) as server, serve({"/": b"x"}) as other, guarded_session(CONFIG) as session:
        session.gate.ask(server.url("/"), 30)
        assert timed(server.url("/", "localhost"), session) < 1
        assert timed(other.url("/"), session) < 1


def test_the_host_that_a_redirect_leads_to_is_heeded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "JITTER_S", 0.0)
    with serve({"/": b"x"}) as store, guarded_session(CONFIG) as session:
        session.gate.ask(store.url("/"), 0.3)
        with serve({"/": web.redirect(store.url("/"))}) as front:
            assert timed(front.url("/"), session) > 0.2


def test_patience_takes_nothing_of_the_time_for_the_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "JITTER_S", 0.0)
    config = DownloadConfig.model_validate({**CONFIG.model_dump(), "timeout_s": {"total": 0.2}})
    with serve({"/": b"x", "/silent": web.silent()}) as server, guarded_session(config) as session:
        session.gate.ask(server.url("/"), 0.4)
        assert get(server.url("/"), session, config) == b"x"
        with pytest.raises(TransferTimeoutError):
            get(server.url("/silent"), session, config)


def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MAX_WAIT_S", 0.1)
    monkeypatch.setattr(patience, "JITTER_S", 0.1)
    held = Patience()
    held.ask("h", 86400)
    held.ask("h", 0)
    assert 0.1 <= held.wait("h") < 1
    assert held.wait("h") == 0
    assert held.wait("other") == 0

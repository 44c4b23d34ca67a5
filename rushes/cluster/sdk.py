"""Ray's own clients, held to a time limit, to the address they were given, and to errors that say what to do.

The one module of the library that imports Ray; it is itself imported only when a cluster is asked something.

Ray's clients wait for an answer without end, let `RAY_ADDRESS` go before the address that they are given, and raise
`RuntimeError` whatever happened. What is changed here rests on private names, so `rushes[orchestrator]` pins the minor.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import ray
import requests
from ray._common.usage.usage_lib import get_cluster_metadata
from ray._private.utils import check_version_info, compute_version_info
from ray._raylet import GcsClient  # type: ignore[attr-defined]  # compiled
from ray.dashboard.modules.dashboard_sdk import SubmissionClient
from ray.dashboard.modules.serve.sdk import ServeSubmissionClient
from ray.dashboard.utils import ray_address_to_api_server_url
from ray.exceptions import AuthenticationError, RayError
from ray.job_submission import JobSubmissionClient
from ray.util.state import StateApiClient
from ray.util.state.common import GetApiOptions, ListApiOptions, StateResource
from ray.util.state.exception import RayStateApiException

from rushes.errors import (
    ClusterAccessError,
    ClusterError,
    ClusterUnreachableError,
    UnknownResourceError,
    VersionMismatchError,
)

__all__ = ["Bounded", "Jobs", "Serve", "State", "check_cluster", "check_minor", "dashboard_of", "ray_here"]

for _name in ("dashboard.modules.job.sdk", "dashboard.modules.dashboard_sdk", "_private.runtime_env.packaging"):
    logging.getLogger(f"ray.{_name}").setLevel(logging.WARNING)  # they tell of every request, and of each package

_IDS = {"nodes": re.compile("[0-9a-f]{56}"), "tasks": re.compile("[0-9a-f]{48}")}
_UPLOAD_S = 300.0  # the answer comes when the whole package has arrived
_SUBMIT_S = 60.0  # the cluster itself waits ten for an agent to take the job, and says if there is none
_STATE_MARGIN = 0.8  # of the time limit is what the server gets, or it would answer to nobody


def ray_here() -> str:
    """Returns the version of Ray on this machine."""
    return str(ray.__version__)


def dashboard_of(address: str) -> str:
    """Returns the URL of the dashboard of a cluster, which is asked for it; `auto` for the one of this machine.

    Raises:
        ClusterUnreachableError: It does not say.
    """
    try:
        return str(ray_address_to_api_server_url(address))
    except (RayError, ConnectionError, ValueError, RuntimeError) as error:
        raise ClusterUnreachableError(
            f"{address}: the Ray cluster does not say where its dashboard is ({_first_sentence(error)}). Name the "
            "dashboard's URL; if the cluster asks for a token, set RAY_AUTH_MODE=token, too."
        ) from None


class Bounded(SubmissionClient):
    """A client of one dashboard."""

    def __init__(self, url: str, headers: Mapping[str, str], verify: bool | str, timeout_s: float) -> None:
        # Not those of Ray's clients, which go to RAY_ADDRESS, and wait there without end.
        try:
            SubmissionClient.__init__(self, address=url, headers=dict(headers), verify=verify)
        except AuthenticationError:
            raise ClusterAccessError(
                f"{url}: RAY_AUTH_MODE is token, and none is set. Set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH, to the "
                "one that the cluster was started with."
            ) from None
        self._client_ray_version = ray.__version__
        context: Any = self._ssl_context
        self._ssl_context = True if context is None else context  # type: ignore[assignment]  # aiohttp warns of None
        self._timeout_s = timeout_s

    def connect(self) -> str:
        """Returns the version of Ray that the cluster runs."""
        answer = self._do_request("GET", "/api/version")
        if answer.status_code == requests.codes.ok:
            try:
                self._server_ray_version = str(answer.json()["ray_version"])
            except (ValueError, KeyError, TypeError):
                pass
            else:
                return self._server_ray_version
        raise ClusterUnreachableError(
            f"{self._address}: something answers there, but it is no Ray dashboard (/api/version: HTTP "
            f"{answer.status_code}). Correct the address; a dashboard listens on port 8265 unless told otherwise."
        )

    def _do_request(self, method: str, endpoint: str, **options: Any) -> requests.Response:
        limit_s = _UPLOAD_S if options.get("data") else self._timeout_s
        if options.get("json_data"):
            limit_s = max(limit_s, _SUBMIT_S)
        try:
            return super()._do_request(method, endpoint, **{"timeout": limit_s} | options)
        except AuthenticationError:
            sent = any(name.lower() == "authorization" for name in self._headers)
            problem = "the token is not the cluster's" if sent else "the cluster asks for a token, and none is set"
            raise ClusterAccessError(
                f"{self._address}: {problem}. Set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH, to the one that the cluster "
                "was started with."
            ) from None
        except requests.RequestException as error:
            raise ClusterUnreachableError(
                f"{self._address}: no Ray dashboard answers there ({_reason(error, limit_s)}). Start the cluster, or "
                "name its dashboard in --address or RAY_API_SERVER_ADDRESS."
            ) from None

    def _raise_error(self, answer: requests.Response) -> NoReturn:
        said = answer.text.strip().rpartition("\n")[2] or "nothing"  # of a traceback, what it ends with
        message = f"{self._address}: the cluster said {said!r} (HTTP {answer.status_code})."
        raise (UnknownResourceError if answer.status_code == requests.codes.not_found else ClusterError)(message)


class Jobs(Bounded, JobSubmissionClient):
    """Ray's client of jobs."""

    def stream_headers(self) -> dict[str, str]:
        """Returns what each request carries."""
        return dict(self._headers)

    @property
    def ssl(self) -> Any:
        """How aiohttp checks the server's certificate."""
        return self._ssl_context


class State(Bounded, StateApiClient):
    """Ray's client of nodes and tasks."""

    def all_of(self, kind: str, limit: int, where: Mapping[str, str]) -> list[Any]:
        """Returns nodes or tasks, at most so many, that are as `where` says."""
        filters: Any = [(key, "=", value) for key, value in where.items()]
        options = ListApiOptions(limit=limit, timeout=self._whole_s(), detail=True, filters=filters)
        with self._explained():
            return list(super().list(StateResource(kind), options, raise_on_missing_output=False))

    def one(self, kind: str, name: str) -> Any:
        """Returns the node or the task of an id, or raises an `UnknownResourceError`."""
        unknown = UnknownResourceError(f"{self._address}: no {kind[:-1]} {name!r}; list the {kind} there are.")
        if not _IDS[kind].fullmatch(name):  # at which Ray would break
            raise unknown
        found: Any
        with self._explained():
            found = super().get(StateResource(kind), name, GetApiOptions(timeout=self._whole_s()))
        if not found:
            raise unknown
        return found[-1] if isinstance(found, list) else found  # a task's last attempt

    def _whole_s(self) -> int:
        return max(2, round(self._timeout_s / _STATE_MARGIN))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except RayStateApiException as error:
            raise ClusterError(f"{self._address}: the cluster said {_first_sentence(error)!r}.") from None


class Serve(Bounded, ServeSubmissionClient):
    """Ray's client of Serve."""


def check_cluster(address: str) -> None:
    """Refuses a cluster that this process cannot be a driver of; Ray itself would try for 20 s, and not say why.

    Args:
        address: `HOST:PORT` of the cluster, or `auto`.

    Raises:
        VersionMismatchError: It runs another Ray, or another Python.
        ClusterAccessError: It asks for another token.
        ClusterUnreachableError: It does not answer.
    """
    try:
        there = get_cluster_metadata(GcsClient(address=address))
    except (RayError, ConnectionError, RuntimeError, ValueError, AttributeError) as error:
        said = _first_sentence(error)
        if "AuthToken" in said:
            raise ClusterAccessError(
                f"{address}: the Ray cluster asks for a token, and none is set, or another one. Set RAY_AUTH_TOKEN, or "
                "RAY_AUTH_TOKEN_PATH, to the one that the cluster was started with."
            ) from None
        raise ClusterUnreachableError(
            f"{address}: the Ray cluster does not answer ({said}). Look at its head's log, or correct the address."
        ) from None
    here_ray, here_python = compute_version_info()  # type: ignore[no-untyped-call]  # Ray has no types there
    try:
        check_version_info(there, "this machine")
    except RuntimeError:
        raise VersionMismatchError(
            f"{address}: the cluster runs Ray {there['ray_version']} on Python {there['python_version']}, and this "
            f"process Ray {here_ray} on Python {here_python}. Use one image, or one lock, on all machines."
        ) from None


def check_minor(url: str, there: str) -> None:
    """Refuses a cluster of another minor of Ray than this machine's."""
    here = ray_here()
    if there.split(".")[:2] != here.split(".")[:2]:
        raise VersionMismatchError(
            f"{url}: the cluster runs Ray {there}, and this machine Ray {here}. Install the cluster's minor here, or "
            "start the cluster from the lock of this project."
        )


def _reason(error: requests.RequestException, limit_s: float) -> str:
    if isinstance(error, requests.Timeout):
        return f"nothing came within {limit_s:g} s"
    text = str(error)
    known = ("Connection refused", "Name or service not known", "No route to host", "certificate verify failed")
    return next((words for words in known if words in text), type(error).__name__)


def _first_sentence(error: BaseException) -> str:
    return re.split(r"\n|\. ", str(error).strip() or type(error).__name__, maxsplit=1)[0].rstrip(". ")

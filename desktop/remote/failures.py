"""What HTTP and the network do, as failures with words."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from desktop.sync.ports import Failure, FailureKind
from server_sync.protocol.errors import NOT_SIGNED_IN


class _Error(msgspec.Struct):
    error: str = ""
    error_code: str = ""
    rebootstrap: str = ""
    details: dict[str, Any] = {}


def of_exception(error: httpx.HTTPError, begun: bool) -> Failure:
    """The failure that *error* stands for; *begun*: part of an answer had arrived."""
    if begun or isinstance(error, httpx.DecodingError):
        return Failure(FailureKind.CUT, "The server's answer was cut short.")
    if isinstance(error, httpx.TimeoutException):
        return Failure(FailureKind.OFFLINE, "The server takes too long to answer.")
    if isinstance(error, httpx.UnsupportedProtocol):
        return Failure(FailureKind.UNREADABLE, "That is no address of a server.")
    return Failure(FailureKind.OFFLINE, "The server can't be reached.")


def of_response(status: int, headers: httpx.Headers, body: bytes) -> Failure:
    """The failure that an answer other than 200 or 201 stands for."""
    said = _said(body)
    words = said.error
    retry_after = _retry_after(headers.get("retry-after"))
    if status == 401 and said.error_code == NOT_SIGNED_IN and said.details.get("reason") == "revoked":
        words = "This desk was taken off the programme. Ask for a new code to enrol it again."
        return Failure(FailureKind.REVOKED, words, reason="revoked")
    if status in (401, 403):
        return Failure(FailureKind.DENIED, words or "The server does not let this desk in. Enrol it again.")
    if status == 410 and said.rebootstrap:
        words = "The server was restored or changed: everything is fetched again."
        return Failure(FailureKind.REBOOTSTRAP, words, reason=said.rebootstrap)
    if status == 413:
        return Failure(FailureKind.TOO_LARGE, words or "That was too much at once.")
    if status in (429, 503) or (status == 409 and retry_after is not None):
        return Failure(FailureKind.BUSY, words or "The server is busy.", retry_after)
    if status >= 500:
        return Failure(FailureKind.SERVER, words or "The server has a fault; trying again.", retry_after)
    return Failure(FailureKind.UNREADABLE, words or f"That address does not answer like a Callboard server ({status}).")


def _said(body: bytes) -> _Error:
    try:
        return msgspec.json.decode(body, type=_Error)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Error()


def _retry_after(value: Any) -> float | None:
    if not isinstance(value, str):
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None

"""What goes back: one encoder, one shape for every error."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import Response

from server_sync.protocol.commands import Result
from server_sync.protocol.errors import (
    ALREADY_RESERVED,
    ALREADY_WAITING,
    BUSY,
    DOUBLE_BOOKED,
    WORDS,
    Refusal,
    error_body,
)
from server_sync.protocol.records import Role

INTERNAL: Final = "INTERNAL"
UNAVAILABLE: Final = "UNAVAILABLE"
TOO_LARGE: Final = "TOO_LARGE"

_WHERE_SOMEBODY_IS: Final = frozenset({DOUBLE_BOOKED, ALREADY_RESERVED, ALREADY_WAITING})
_ENCODER: Final = msgspec.json.Encoder()
_JSON: Final = "application/json"


def answer(value: Any, status: int = 200) -> Response:
    """*value* (a struct, or what JSON can say) as JSON."""
    return Response(_ENCODER.encode(value), status, media_type=_JSON)


def refuse(refusal: Refusal) -> Response:
    """An expected no, in the one shape that every error has."""
    headers = {}
    if refusal.code == BUSY:
        headers["Retry-After"] = "1"
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(_ENCODER.encode(error_body(refusal)), refusal.status, headers, _JSON)


def problem(status: int, code: str, words: str, retry_after: int | None = None) -> Response:
    """A no that is no refusal: the server's own trouble, or a path or method that does not exist."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    body = {"error": words, "error_code": code, "details": {}}
    return Response(_ENCODER.encode(body), status, headers, _JSON)


def refused(result: Result) -> Refusal:
    """The refusal that a verdict holds; a verdict without a code is one of a command that failed."""
    return Refusal(result.code or INTERNAL, result.details or {})


def for_role(role: Role, refusal: Refusal) -> Refusal:
    """*refusal* as *role* may know it: the public, who may name anybody, isn't told where that person is, and when."""
    if role != "public" or refusal.code not in _WHERE_SOMEBODY_IS:
        return refusal
    return Refusal(refusal.code, {name: said for name, said in refusal.details.items() if name == "participant_id"})


def words_of(code: str) -> str:
    """The sentence for a code."""
    return WORDS.get(code, "The request was refused.")

"""A request's body, read without trust: its size, its depth, and a JSON object in it."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from server_sync.api.answers import TOO_LARGE, problem
from server_sync.protocol.errors import INVALID, UNREADABLE, Refusal

T = TypeVar("T")

DEEPEST: Final = 32
"""How deep arrays and objects may nest; everything of ours stays under ten."""

_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_DEEPER: Final = frozenset((b"[", b"{"))
_HIGHER: Final = frozenset((b"]", b"}"))

_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


def unreadable(problem: str, **details: Any) -> Refusal:
    """``UNREADABLE`` with what is wrong."""
    return Refusal(UNREADABLE, {"problem": problem, **details})


async def read_bytes(request: Request, most: int) -> bytes | Refusal | Response:
    """The body if it has no more than *most* bytes, else 413; the rest of a longer one is not even awaited."""
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) > most:
        return too_large(most)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                return too_large(most)
            parts.append(part)
    except ClientDisconnect:
        return unreadable("the body ended early")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(most: int) -> Response:
    """413: what a desk sends in smaller pieces, and others not at all."""
    size = f"{most // 1024} KB" if most < 1024**2 else f"{most // 1024**2} MB"
    return problem(413, TOO_LARGE, f"That is too much at once; {size} are the most.")


def too_deep(body: bytes) -> bool:
    """Whether arrays and objects nest deeper than ``DEEPEST``; brackets in strings don't count."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for token in _TOKENS.findall(body):
        if token in _DEEPER:
            depth += 1
            if depth > DEEPEST:
                return True
        elif token in _HIGHER:
            depth -= 1
    return False


def read_json(body: bytes, decoder: msgspec.json.Decoder[T]) -> T | Refusal:
    """*body* as the decoder's type; 400 for what is no JSON, 422 for a field that has a wrong value."""
    if too_deep(body):
        return unreadable("the JSON nests too deeply", deepest=DEEPEST)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        return Refusal(INVALID, {"problem": str(error)})
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return unreadable(f"the body is not JSON: {error}")


def read_object(body: bytes) -> dict[str, Any] | Refusal:
    """*body* as one JSON object; an empty body is an empty one, so that a request without arguments needs no body."""
    if not body.strip():
        return {}
    found = read_json(body, _OBJECT)
    if isinstance(found, Refusal) and found.code == INVALID:
        return unreadable("the body must be a JSON object")
    return found

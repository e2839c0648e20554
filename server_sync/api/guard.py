"""The outermost layer: whatever goes wrong inside, the caller gets an answer in the one shape, and the log the rest."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server_sync.api.answers import INTERNAL, UNAVAILABLE, problem, refuse
from server_sync.authority.faults import LOST, OVERLOADED
from server_sync.authority.lanes import Overloaded, Unavailable
from server_sync.protocol.errors import INVALID, NOT_FOUND, UNREADABLE, Refusal

log = logging.getLogger(__name__)


class Guard:
    """Pure ASGI: turns an exception that nobody expected into an answer without details, and logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer for what breaks before the first byte went out."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            response = answer_for(error)
            if response.status_code == 500:
                log.exception("%s %s failed", scope["method"], scope["path"])
            if begun:
                raise
            await response(scope, receive, send)


def answer_for(error: Exception) -> Response:
    """503 while the database is away or too much waits, else 500; never what the exception says."""
    if isinstance(error, (Overloaded, *OVERLOADED)):
        return problem(503, UNAVAILABLE, "More requests wait than can be answered; send it again later.", 5)
    if isinstance(error, (Unavailable, *LOST)) or _lost_beneath(error):
        return problem(503, UNAVAILABLE, "The database can't be reached; send the same request again.", 2)
    return problem(500, INTERNAL, "Something went wrong on the server; it has been noted.")


def _lost_beneath(error: Exception) -> bool:
    """Whether SQLAlchemy wrapped the loss of a connection."""
    return getattr(error, "connection_invalidated", False) or isinstance(error.__cause__, LOST)


def _http_error(request: Request, error: Exception) -> Response:
    """FastAPI's own errors in our shape."""
    if isinstance(error, RequestValidationError):
        return refuse(Refusal(INVALID, {"problems": [_place(found) for found in error.errors()]}))
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return refuse(Refusal(NOT_FOUND, {"path": request.url.path}))
    if error.status_code == 405:
        response = problem(405, "METHOD_NOT_ALLOWED", "This address does not take that method.")
        response.headers.update(error.headers or {})
        return response
    if error.status_code == 400:
        return refuse(Refusal(UNREADABLE))
    return problem(error.status_code, f"HTTP_{error.status_code}", str(error.detail))


def _place(found: dict[str, object]) -> dict[str, object]:
    where = found.get("loc", ())
    return {"field": ".".join(map(str, where)) if isinstance(where, tuple) else "", "problem": found.get("msg")}


def install(app: FastAPI) -> None:
    """Put the guard round *app*."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _http_error)
    app.add_middleware(Guard)

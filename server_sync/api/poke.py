"""``GET /sync/poke``: server-sent events without content, each meaning "come and pull"."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from server_sync.api.faces import Call, Faces, bearer
from server_sync.api.sync import needs_device
from server_sync.protocol.errors import NOT_ALLOWED, Refusal

faces = Faces("sync")

HEARTBEAT: Final = 15
"""Seconds between signs of life; a desk that hears none for twice as long connects again."""


@faces.get("/poke", "text/event-stream", refusals=(NOT_ALLOWED,))
async def poke(call: Call[Any]) -> Response | Refusal:
    """Be told when the desk's programme changed. The first event comes at once, for what was missed before."""
    if call.principal.device_id is None or call.principal.programme_id is None:
        return needs_device(call.principal)
    return EventSourceResponse(
        _events(call, call.principal.programme_id),
        ping=HEARTBEAT,
        ping_message_factory=lambda: ServerSentEvent(comment="alive"),
        headers={"X-Accel-Buffering": "no"},
    )


async def _events(call: Call[Any], programme_id: str) -> AsyncIterator[ServerSentEvent]:
    """A poke for every change, until the device is revoked."""
    token, pokes = bearer(call.request), call.services.pokes
    with pokes.subscribe(programme_id) as changed:
        changed.set()
        while await changed.wait():
            changed.clear()
            if pokes.closed or isinstance(await call.services.credentials.principal(token), Refusal):
                return
            yield ServerSentEvent(event="poke", data="")

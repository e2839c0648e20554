"""``/sync/*``: what desks speak (see the protocol package). All but enrolment needs a device's token."""

from __future__ import annotations

import asyncio
import gzip
from datetime import UTC, datetime
from typing import Any, Final

import zstandard
from starlette.responses import Response

from server_sync.api.answers import answer
from server_sync.api.faces import Call, Faces
from server_sync.authority.credentials import not_signed_in, read_code
from server_sync.authority.feed import Delta, Follower, Page
from server_sync.authority.principal import PUBLIC, Principal
from server_sync.authority.queries import access, scope
from server_sync.protocol.commands import (
    PROTO,
    BootstrapRequest,
    EnrolReply,
    EnrolRequest,
    PullRequest,
    PushReply,
    PushRequest,
    Rebootstrap,
)
from server_sync.protocol.errors import ALREADY_EXISTS, CODE_UNKNOWN, INVALID, NOT_ALLOWED, Refusal
from server_sync.protocol.ids import derived_id, secret_id

faces = Faces("sync")

NDJSON: Final = "application/x-ndjson"
LEAST_COMPRESSED: Final = 1400
"""Bytes that fit into one packet are sent as they are."""
LEAST_APART: Final = 64 * 1024
"""Compressing more bytes than these would keep everybody else waiting."""


@faces.post("/devices", EnrolRequest, EnrolReply, whole=True, status=201, refusals=(CODE_UNKNOWN, ALREADY_EXISTS))
async def enrol(call: Call[Any]) -> EnrolReply | Refusal:
    """Enrol a desk by its one-time code.

    The same desk may ask again with the same code and proof while the code has not expired, and gets the same token:
    its first reply may have been lost.
    """
    request: EnrolRequest = call.content
    device = request.device
    code_id = secret_id(read_code(request.code))
    invited = await access.enrolment(call.services.reads, code_id)
    if invited is None or invited.expires_at <= datetime.now(UTC):
        return Refusal(CODE_UNKNOWN)
    call.command_id = derived_id(code_id, device)
    call.principal = Principal(f"device:{device}", request.name or invited.name, "public", invited.programme_id)
    token = call.services.credentials.token_for(call.command_id)
    name = request.name or invited.name
    ids = {"code_id": code_id, "device_id": device, "token_id": secret_id(token), "proof_id": secret_id(request.proof)}
    args = {**ids, "name": name}
    done = await call.submit("device.enrol", args, invited.programme_id)
    if isinstance(done, Refusal):
        return done
    programmes = await scope.programmes(call.services.reads, invited.programme_id)
    return EnrolReply(
        device=device, name=name, programme=invited.programme_id, programme_name=programmes[0].name,
        practice=programmes[0].practice, ceiling=invited.ceiling, token=token,
    )  # fmt: skip


@faces.post("/push", PushRequest, PushReply, whole=True, most="most_push", refusals=(NOT_ALLOWED,))
async def push(call: Call[Any]) -> PushReply | Refusal:
    """Decide an ordered run of a desk's commands; what was decided before is answered as it was then."""
    if call.principal.device_id is None:
        return needs_device(call.principal)
    return await call.services.authority.push(call.principal, call.content)


def needs_device(principal: Principal) -> Refusal:
    """Why a caller who is no desk may not sync."""
    if principal.id == PUBLIC.id:
        return not_signed_in("missing")
    return Refusal(NOT_ALLOWED, {"problem": "only a device's token syncs"})


@faces.post("/pull", PullRequest, NDJSON, whole=True, refusals=(NOT_ALLOWED,))
async def pull(call: Call[Any]) -> Response | Refusal:
    """What changed since the desk's cursor, line by line; 410 if everything has to be fetched again."""
    follower = Follower.of(call.principal)
    if follower is None:
        return needs_device(call.principal)
    if call.content.proto != PROTO:
        return other_protocol(call.content.proto)
    return await lines(call, await call.services.feed.pull(follower, call.content.cursor))


@faces.post("/bootstrap", BootstrapRequest, NDJSON, whole=True, refusals=(NOT_ALLOWED,))
async def bootstrap(call: Call[Any]) -> Response | Refusal:
    """A page of everything that the desk may see; 410 if it has to begin again."""
    follower = Follower.of(call.principal)
    if follower is None:
        return needs_device(call.principal)
    if call.content.proto != PROTO:
        return other_protocol(call.content.proto)
    return await lines(call, await call.services.feed.bootstrap(follower, call.content.page))


def other_protocol(proto: int) -> Refusal:
    """Why a desk of another version can't be answered."""
    return Refusal(INVALID, {"field": "proto", "problem": f"this server speaks protocol {PROTO}", "proto": proto})


async def lines(call: Call[Any], reply: Delta | Page | Rebootstrap) -> Response:
    """The reply as NDJSON, compressed if that is worth it and the desk takes it."""
    if isinstance(reply, Rebootstrap):
        return answer(reply, 410)
    body = reply.body()
    coding = None if len(body) < LEAST_COMPRESSED else accepted_coding(call.request.headers.get("accept-encoding", ""))
    headers = {"Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if coding is not None:
        headers["Content-Encoding"] = coding
        compress = _COMPRESS[coding]
        body = compress(body) if len(body) < LEAST_APART else await asyncio.to_thread(compress, body)
    return Response(body, headers=headers, media_type=NDJSON)


def accepted_coding(header: str) -> str | None:
    """The best compression that an Accept-Encoding header allows: zstd, else gzip, else None."""
    offered = {}
    for part in header.lower().split(","):
        name, _, quality = part.partition(";")
        offered[name.strip()] = quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return next((coding for coding in _COMPRESS if offered.get(coding)), None)


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(body)


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=5)


_COMPRESS: Final = {"zstd": _zstd, "gzip": _gzip}

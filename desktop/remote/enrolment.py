"""Becoming a desk: a one-time code for a token."""

from __future__ import annotations

import httpx
import msgspec

from desktop.remote.failures import of_exception, of_response
from desktop.remote.http_remote import TIMEOUT
from desktop.sync.ports import Failure, FailureKind
from server_sync.protocol.commands import EnrolReply, EnrolRequest


async def enrol(address: str, request: EnrolRequest) -> EnrolReply | Failure:
    """Ask the server at *address*. The same request may be sent again: its first answer may have been lost."""
    try:
        async with httpx.AsyncClient(base_url=address, timeout=TIMEOUT, trust_env=False) as client:
            response = await client.post(
                "/sync/devices", content=msgspec.json.encode(request), headers={"Content-Type": "application/json"}
            )
    except httpx.HTTPError as error:
        return of_exception(error, begun=False)
    if response.status_code not in (200, 201):
        return of_response(response.status_code, response.headers, response.content)
    try:
        return msgspec.json.decode(response.content, type=EnrolReply)
    except msgspec.MsgspecError:
        return Failure(FailureKind.UNREADABLE, "That address does not answer like a Callboard server.")

"""``/sync/*``: what desks speak (see the protocol package). All but enrolment needs a device's token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from server_sync.api.faces import Call, Faces
from server_sync.authority.credentials import not_signed_in, read_code
from server_sync.authority.principal import Principal
from server_sync.authority.queries import access, scope
from server_sync.protocol.commands import EnrolReply, EnrolRequest, PushReply, PushRequest
from server_sync.protocol.errors import ALREADY_EXISTS, CODE_UNKNOWN, NOT_ALLOWED, Refusal
from server_sync.protocol.ids import derived_id, secret_id

faces = Faces("sync")


@faces.post("/devices", EnrolRequest, EnrolReply, whole=True, status=201, refusals=(CODE_UNKNOWN, ALREADY_EXISTS))
async def enrol(call: Call[Any]) -> EnrolReply | Refusal:
    """Enrol a desk by its one-time code.

    The same desk may ask again with the same code while that has not expired, and gets the same token: its first
    reply may have been lost.
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
    args = {"code_id": code_id, "device_id": device, "token_id": secret_id(token), "name": request.name or invited.name}
    done = await call.submit("device.enrol", args, invited.programme_id)
    if isinstance(done, Refusal):
        return done
    programmes = await scope.programmes(call.services.reads, invited.programme_id)
    return EnrolReply(
        device=device, name=args["name"], programme=invited.programme_id, programme_name=programmes[0].name,
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
    if principal.id == "public":
        return not_signed_in("missing")
    return Refusal(NOT_ALLOWED, {"problem": "only a device's token syncs"})

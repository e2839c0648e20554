"""``/v1/devices``: desks, and the one-time codes with which they are enrolled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.api.programmes import programme_for
from server_sync.authority.credentials import spell_code
from server_sync.authority.queries import access, ledger
from server_sync.authority.queries.kinds import body_of
from server_sync.authority.queries.views import DeviceView
from server_sync.protocol.errors import ALREADY_REVOKED, NOT_FOUND, Refusal
from server_sync.protocol.ids import Id, secret_id

faces = Faces("devices")

CODE_LIVES: Final = timedelta(minutes=15)

Invitation = body_of("device.invite", "Invitation", leave=("code_id", "expires_at"))


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """A code that one desk may use until ``expires_at``. It is shown this once."""

    code: str
    expires_at: datetime


class Devices(msgspec.Struct, frozen=True, kw_only=True):
    """Desks by name, revoked ones too."""

    devices: list[DeviceView]


class NoBody(msgspec.Struct, frozen=True):
    """Nothing is needed."""


class DeviceRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """The desk that is no longer one."""

    device_id: Id


@faces.get("/devices", Devices, role="admin")
async def list_devices(call: Call[Any]) -> Devices:
    """List desks, with when each was last heard of."""
    return Devices(devices=await access.devices(call.services.reads, call.named_programme()))


@faces.post(
    "/devices/invite", Invitation, Invited, role="admin", status=201, refusals=(NOT_FOUND,),
    example='{"name": "Desk 1", "ceiling": "volunteer"}',
)  # fmt: skip
async def invite(call: Call[Any]) -> Invited | Refusal:
    """Make a one-time code for a new desk; it works for fifteen minutes."""
    code = call.services.credentials.code_for(call.command_id)
    expires_at = datetime.now(UTC) + CODE_LIVES
    if "idempotency-key" in call.request.headers:
        before = await ledger.arguments(call.services.reads, call.principal.id, call.command_id, "device.invite")
        if before is not None:  # a repetition: only the time differs, and the first one's counts
            expires_at = msgspec.convert(before["expires_at"], datetime)
    args = call.body | {"code_id": secret_id(code), "expires_at": expires_at}
    done = await call.submit("device.invite", args, call.named_programme())
    return done if isinstance(done, Refusal) else Invited(code=spell_code(code), expires_at=expires_at)


@faces.post("/devices/{device_id}/revoke", NoBody, DeviceRevoked, role="admin", refusals=(ALREADY_REVOKED,))
async def revoke(call: Call[Any]) -> Any:
    """Revoke a desk: its token stops working at once; what it has not sent yet it keeps."""
    device_id = call.ids["device_id"]
    programme_id = await programme_for(call, "devices", device_id)
    if isinstance(programme_id, Refusal):
        return programme_id
    done = await call.submit("device.revoke", {"device_id": device_id}, programme_id)
    call.services.credentials.forget()
    return done

"""``/v1/staff``: who works here, and the token with which each signs in."""

from __future__ import annotations

from typing import Any

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.api.programmes import programme_for
from server_sync.authority.queries import access
from server_sync.authority.queries.kinds import body_of
from server_sync.protocol.errors import ALREADY_REVOKED, NOT_FOUND, Refusal
from server_sync.protocol.ids import Id, secret_id
from server_sync.protocol.records import Staff

faces = Faces("staff")

NewStaff = body_of("staff.create", "NewStaff", leave=("token_id",))


class StaffList(msgspec.Struct, frozen=True, kw_only=True):
    """Staff by name."""

    staff: list[Staff]


class NoBody(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is needed."""


class StaffRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """Who no longer may."""

    staff_id: Id


class StaffToken(msgspec.Struct, frozen=True, kw_only=True):
    """A new member of staff. The token is shown this once."""

    staff_id: Id
    token: str


@faces.get("/staff", StaffList, role="admin")
async def list_staff(call: Call[Any]) -> StaffList:
    """List staff."""
    return StaffList(staff=await access.staff(call.services.reads, call.named_programme()))


@faces.post(
    "/staff", NewStaff, StaffToken, role="admin", status=201, refusals=(NOT_FOUND,),
    example='{"name": "Grace", "role": "room_manager"}',
)  # fmt: skip
async def create_staff(call: Call[Any]) -> StaffToken | Refusal:
    """Add a member of staff, and give them a token."""
    token = call.services.credentials.token_for(call.command_id)
    done = await call.submit("staff.create", call.body | {"token_id": secret_id(token)}, call.named_programme())
    return done if isinstance(done, Refusal) else StaffToken(staff_id=done["staff_id"], token=token)


@faces.post("/staff/{staff_id}/revoke", NoBody, StaffRevoked, role="admin", refusals=(ALREADY_REVOKED,))
async def revoke_staff(call: Call[Any]) -> Any:
    """End somebody's access: none of their tokens works any more."""
    staff_id = call.ids["staff_id"]
    programme_id = await programme_for(call, "staff", staff_id)
    if isinstance(programme_id, Refusal):
        return programme_id
    done = await call.submit("staff.revoke", {"staff_id": staff_id}, programme_id)
    call.services.credentials.forget()
    return done

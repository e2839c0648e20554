"""``/v1/programmes``, and which programme a request is about."""

from __future__ import annotations

from typing import Any

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.authority.queries import scope
from server_sync.authority.queries.kinds import ARGUMENTS
from server_sync.protocol.errors import NOT_ALLOWED, NOT_FOUND, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Programme

faces = Faces("programmes")


class Programmes(msgspec.Struct, frozen=True, kw_only=True):
    """The programmes that the caller may see, by name."""

    programmes: list[Programme]


async def programme_for(call: Call[Any], table: str, id: Id) -> Id | Refusal:
    """The caller's programme, else the one that the row in the path belongs to."""
    if call.principal.programme_id is not None:
        return call.principal.programme_id
    found = await scope.programme_of(call.services.reads, table, id)
    return found if found is not None else Refusal(NOT_FOUND, {table: id})


@faces.get("/programmes", Programmes)
async def list_programmes(call: Call[Any]) -> Programmes:
    """List programmes: a token's own, or all for a caller whose token belongs to none."""
    return Programmes(programmes=await scope.programmes(call.services.reads, call.named_programme()))


@faces.post(
    "/programmes", ARGUMENTS["programme.create"], Programme, role="admin", status=201,
    example='{"name": "Spring Festival", "time_zone": "Europe/London", "starts_on": "2027-03-14"}',
)  # fmt: skip
async def create_programme(call: Call[Any]) -> Programme | Refusal:
    """Create a programme; only whoever runs the server may."""
    if call.principal.programme_id is not None:
        return Refusal(NOT_ALLOWED, {"problem": "only the server's own root token makes programmes"})
    done = await call.submit("programme.create", call.body, None)
    if isinstance(done, Refusal):
        return done
    found = await scope.programmes(call.services.reads, done["id"])
    return found[0] if found else Refusal(NOT_FOUND, {"programme_id": done["id"]})

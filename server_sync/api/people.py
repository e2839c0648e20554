"""``/v1/participants`` and ``/v1/groups``: finding people, and making them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.authority.queries import people
from server_sync.authority.queries.kinds import ARGUMENTS
from server_sync.authority.queries.views import PersonView
from server_sync.protocol.errors import ALREADY_EXISTS, NOT_FOUND
from server_sync.protocol.ids import Id
from server_sync.protocol.records import ROLES

faces = Faces("participants")


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed: part of a name in any order, a slip or short form of it, a school, an external id or a ref."""

    q: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 20


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Who it may be, likeliest first."""

    participants: list[PersonView]


class Created(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The id of the new row, and the ref that people read."""

    id: Id
    ref: str | None = None


@faces.get("/participants/search", Found, query=SearchQuery)
async def search(call: Call[SearchQuery]) -> Found:
    """Find participants by part of their name."""
    found = await people.search(
        call.services.reads,
        call.named_programme(),
        call.query.q,
        call.query.limit,
        staff=ROLES.index(call.principal.role) >= ROLES.index("volunteer"),
        contacts=call.principal.role == "admin",
    )
    return Found(participants=found)


@faces.post(
    "/participants", ARGUMENTS["participant.create"], Created, role="admin", status=201,
    refusals=(ALREADY_EXISTS, NOT_FOUND), example='{"first_name": "Ada", "last_name": "Okafor", "school": "St Anne"}',
)  # fmt: skip
async def create_participant(call: Call[Any]) -> Any:
    """Create a participant."""
    return await call.submit("participant.create", call.body, call.named_programme())


@faces.post(
    "/groups", ARGUMENTS["group.create"], Created, role="admin", status=201, refusals=(ALREADY_EXISTS, NOT_FOUND),
    example='{"name": "St Anne Chamber Choir"}',
)  # fmt: skip
async def create_group(call: Call[Any]) -> Any:
    """Create a group; its members are the participants that name it."""
    return await call.submit("group.create", call.body, call.named_programme())

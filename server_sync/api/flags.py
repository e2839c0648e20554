"""``/v1/flags``: what a person should look at."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.api.programmes import programme_for
from server_sync.authority.queries import flags
from server_sync.authority.queries.kinds import body_of
from server_sync.authority.queries.page import Limit
from server_sync.protocol.errors import ALREADY_RESOLVED, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Flag

faces = Faces("flags")

Resolution = body_of("flag.resolve", "Resolution", leave=("flag_id",))


class FlagQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of the list of flags."""

    open: bool | None = None
    audience: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    limit: Limit = 100
    after: str | None = None


class FlagPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Flags by the time when they were raised. ``next`` goes into ``after`` for the next page."""

    flags: list[Flag]
    next: str | None = None


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The flag that is settled."""

    flag_id: Id


@faces.get("/flags", FlagPage, query=FlagQuery, role="volunteer")
async def list_flags(call: Call[FlagQuery]) -> FlagPage | Refusal:
    """List flags, open or resolved, for one audience or all."""
    query = call.query
    page = await flags.page(
        call.services.reads, call.named_programme(), query.open, query.audience, query.limit, query.after
    )
    return page if isinstance(page, Refusal) else FlagPage(flags=page.rows, next=page.next)


@faces.post(
    "/flags/{flag_id}/resolve", Resolution, Resolved, role="volunteer", refusals=(ALREADY_RESOLVED,),
    example='{"resolution": "seen"}',
)  # fmt: skip
async def resolve(call: Call[Any]) -> Any:
    """Say that somebody looked, and what became of it."""
    flag_id = call.ids["flag_id"]
    programme_id = await programme_for(call, "flags", flag_id)
    if isinstance(programme_id, Refusal):
        return programme_id
    return await call.submit("flag.resolve", call.body | {"flag_id": flag_id}, programme_id)

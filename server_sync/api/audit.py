"""``/v1/audit`` and ``/v1/history``: who did what to any row, with all values or in words."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from server_sync.api.faces import Call, Faces
from server_sync.authority.queries import audit
from server_sync.authority.queries.audit import AuditEntry, HistoryEntry, Order, Which
from server_sync.authority.queries.page import Limit
from server_sync.protocol.commands import Status
from server_sync.protocol.errors import INVALID, NOT_FOUND, Refusal
from server_sync.protocol.ids import GivenId, Id

faces = Faces("audit")

_Text = Annotated[str, msgspec.Meta(max_length=200)]


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True, rename={"begins": "from", "ends": "to"}):
    """Filters of the audit trail: the row that is touched, who asked, for what kind, with what verdict, and when."""

    row: GivenId | None = None
    actor: _Text | None = None
    principal: _Text | None = None
    kind: _Text | None = None
    status: Status | None = None
    begins: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    ends: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    order: Order = "newest"
    limit: Limit = 50
    after: str | None = None


class AuditPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Entries of the audit trail. ``next`` goes into ``after`` for the next page; without it this was the last."""

    entries: list[AuditEntry]
    next: str | None = None


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """From the newest back, or from the oldest on."""

    order: Order = "oldest"
    limit: Limit = 100
    after: str | None = None


class History(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened to a row. ``next`` goes into ``after`` for the next page; without it this was the last."""

    id: Id
    entries: list[HistoryEntry]
    next: str | None = None


@faces.get("/audit", AuditPage, query=AuditQuery, role="admin")
async def list_audit(call: Call[AuditQuery]) -> AuditPage | Refusal:
    """List what was asked for and done: who, what, the verdict, when, and every value before and after."""
    query = call.query
    which = Which(**{name: getattr(query, name) for name in Which.__struct_fields__})
    page = await audit.trail(
        call.services.reads, call.named_programme(), which, order=query.order, limit=query.limit, after=query.after
    )
    return page if isinstance(page, Refusal) else AuditPage(entries=page.rows, next=page.next)


@faces.get("/history/{id}", History, query=HistoryQuery, role="admin", refusals=(INVALID,))
async def one_history(call: Call[HistoryQuery]) -> History | Refusal:
    """Tell the history of a person, a reservation, a slot, or any other row, in words."""
    id, query = call.ids["id"], call.query
    page = await audit.history(
        call.services.reads, call.named_programme(), id, order=query.order, limit=query.limit, after=query.after
    )
    if isinstance(page, Refusal):
        return page
    if not page.rows and query.after is None:
        return Refusal(NOT_FOUND, {"id": id})
    return History(id=id, entries=page.rows, next=page.next)

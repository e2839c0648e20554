"""The audit trail: what the ledger holds of any row, who asked for it, and what it changed; and the same in words.

Entries come by ``number``, in which what happened to one row stands in the order in which it happened.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime
from itertools import chain
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from server_sync.authority.queries.called import called, uids
from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.queries.page import Page
from server_sync.authority.tables import metadata
from server_sync.protocol.commands import Status
from server_sync.protocol.errors import INVALID, Refusal
from server_sync.protocol.ids import Id
from server_sync.rules.clock_words import Clock
from server_sync.rules.history import Called, Change, Entry, ids_in, sentence

_COMMANDS = metadata.tables["commands"]
_DEVICES = metadata.tables["devices"]
_PROGRAMMES = metadata.tables["programmes"]

MOST_CHANGES: Final = 100
"""Rows that one entry shows; an import of a festival wrote thousands."""
_BULKY: Final = 100_000
"""Characters of JSON above which arguments are left out and effects are cut down by the database."""

Order = Literal["newest", "oldest"]


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: those that touch ``row``, and of these what the other fields say."""

    row: Id | None = None
    actor: str | None = None
    principal: str | None = None
    kind: str | None = None
    status: Status | None = None
    begins: datetime | None = None
    ends: datetime | None = None


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a row, before and after; null where there was, or is, none."""

    column: str
    before: Any
    after: Any


class RowChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row that a command wrote, and what people call it now. A ``new`` row had no values before."""

    table: str
    id: Id
    new: bool
    columns: list[Column]
    name: str | None = None


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One command: who asked, for what, what the verdict was, when, and what it changed.

    ``rows_changed`` counts all of the rows, ``changes`` shows the first of them (those about the row that was asked
    for); ``args`` is left out where it is a whole file.
    """

    id: Id
    number: int
    words: str
    day: str
    actor: str
    principal: str
    kind: str
    status: Status
    received_at: datetime
    rows_changed: int
    changes: list[RowChange]
    programme_id: Id | None = None
    device_id: Id | None = None
    device: str | None = None
    occurred_at: datetime | None = None
    args: Any = None
    code: str | None = None
    details: Any = None


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened, in words."""

    command_id: Id
    words: str
    day: str
    kind: str
    status: Status
    actor: str
    received_at: datetime


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger, with what its device is called and its programme's time zone."""

    id: Id
    number: int
    principal: str
    actor: str
    kind: str
    status: Status
    received_at: datetime
    rows_changed: int
    time_zone: str
    programme_id: Id | None = None
    device_id: Id | None = None
    device: str | None = None
    occurred_at: datetime | None = None
    args: Any = None
    code: str | None = None
    details: Any = None
    effects: list[Change] | None = None


async def trail(
    reads: Reads, programme_id: Id | None, which: Which, *, order: Order, limit: int, after: str | None
) -> Page[AuditEntry] | Refusal:
    """The entries of a programme (or of all) that *which* names, whole."""
    page = await _page(reads, programme_id, which, order, limit, after)
    if isinstance(page, Refusal):
        return page
    names = await _names(reads, page.rows)
    return Page([_audit(row, names, which.row) for row in page.rows], page.next)


async def history(
    reads: Reads, programme_id: Id | None, row: Id, *, order: Order, limit: int, after: str | None
) -> Page[HistoryEntry] | Refusal:
    """What happened to a row, or was asked for it, in words."""
    page = await _page(reads, programme_id, Which(row=row), order, limit, after)
    if isinstance(page, Refusal):
        return page
    names = await _names(reads, page.rows)
    return Page([_told(found, names, row) for found in page.rows], page.next)


async def _page(
    reads: Reads, programme_id: Id | None, which: Which, order: Order, limit: int, after: str | None
) -> Page[_Row] | Refusal:
    number = _COMMANDS.c.number
    found = sa.select(_COMMANDS.c.id, number).where(*_conditions(programme_id, which))
    if after is not None:
        place = read_number(after)
        if place is None:
            return Refusal(INVALID, {"field": "after", "problem": "take it from the page before"})
        found = found.where(number < place if order == "newest" else number > place)
    by = number.desc() if order == "newest" else number
    # Their ids first: what is wide is read only of the few entries that are shown.
    places = await reads.rows(found.order_by(by).limit(limit + 1), _Place)
    wanted = [place.id for place in places[:limit]]
    whole = _whole(which.row).where(_COMMANDS.c.id == sa.any_(uids(wanted))).order_by(by)
    rows = await reads.rows(whole, _Row) if wanted else []
    return Page(rows, write_number(places[limit - 1].number) if len(places) > limit else None)


class _Place(msgspec.Struct, frozen=True):
    id: Id
    number: int


def _conditions(programme_id: Id | None, which: Which) -> list[sa.ColumnElement[bool]]:
    columns = _COMMANDS.c
    found: list[sa.ColumnElement[bool]] = []
    if programme_id is not None:
        found.append(columns.programme_id == uid(programme_id))
    if which.row is not None:
        found.append(columns.touched.contains(uids([which.row])))
    for name in ("actor", "principal", "kind", "status"):
        value = getattr(which, name)
        if value is not None:
            found.append(columns[name] == value)
    if which.begins is not None:
        found.append(columns.received_at >= which.begins)
    if which.ends is not None:
        found.append(columns.received_at < which.ends)
    return found


def _whole(row: Id | None) -> sa.Select[Any]:
    """Entries with all that is shown of them; of bulky ones no arguments, and only those effects that name *row*."""
    columns = _COMMANDS.c
    size = sa.func.length(sa.cast(columns.effects, sa.Text))
    elements = sa.func.json_array_elements(columns.effects)
    effect = elements.table_valued(sa.column("value", sa.JSON), with_ordinality="place", name="effect").render_derived()
    some = sa.select(effect.c.value).order_by(effect.c.place).limit(MOST_CHANGES)
    if row is not None:
        some = some.where(sa.cast(effect.c.value, sa.Text).contains(row, autoescape=True))
    some_effects = sa.select(sa.func.json_agg(some.subquery("some").c.value)).scalar_subquery()
    args = sa.case((sa.func.length(sa.cast(columns.args, sa.Text)) <= _BULKY, columns.args))
    return (
        sa.select(
            columns.id, columns.number, columns.programme_id, columns.principal, columns.actor, columns.kind,
            columns.status, columns.code, columns.details, columns.received_at, columns.occurred_at, columns.device_id,
            args.label("args"), sa.case((size <= _BULKY, columns.effects), else_=some_effects).label("effects"),
            sa.func.coalesce(sa.func.json_array_length(columns.effects), 0).label("rows_changed"),
            _DEVICES.c.name.label("device"), sa.func.coalesce(_PROGRAMMES.c.time_zone, "UTC").label("time_zone"),
        )
        .outerjoin(_DEVICES, _DEVICES.c.id == columns.device_id)
        .outerjoin(_PROGRAMMES, _PROGRAMMES.c.id == columns.programme_id)
    )  # fmt: skip


async def _names(reads: Reads, rows: list[_Row]) -> dict[Id, Called]:
    """What everything that the entries mention is called."""
    return await called(reads, set(chain.from_iterable(_mentioned(row) for row in rows)))


def _mentioned(row: _Row) -> Iterable[Id]:
    changes = (row.effects or [])[:MOST_CHANGES]
    yield from ids_in([row.args, row.details])
    for change in changes:
        yield change.id
        yield from ids_in([change.before, change.after])


def _entry(row: _Row) -> Entry:
    return Entry(
        kind=row.kind,
        status=row.status,
        actor=row.actor,
        received_at=row.received_at,
        args=row.args if isinstance(row.args, dict) else {},
        code=row.code,
        details=row.details if isinstance(row.details, dict) else {},
        effects=row.effects or [],
        device=row.device,
    )


def _audit(row: _Row, names: dict[Id, Called], about: Id | None) -> AuditEntry:
    said = sentence(_entry(row), names, Clock(row.time_zone), about)
    effects = row.effects or []
    if about is not None and len(effects) > MOST_CHANGES:
        effects = [change for change in effects if about in (change.id, *ids_in([change.before, change.after]))]
    fields = msgspec.structs.asdict(row)
    for name in ("effects", "time_zone"):
        del fields[name]
    changes = [_change(change, names) for change in effects[:MOST_CHANGES]]
    return AuditEntry(**fields, words=said.words, day=said.day, changes=changes)


def _change(change: Change, names: dict[Id, Called]) -> RowChange:
    before = change.before or {}
    named = names.get(change.id)
    return RowChange(
        table=change.table,
        id=change.id,
        new=change.before is None,
        columns=[
            Column(column=name, before=before.get(name), after=after)
            for name, after in change.after.items()
            if name not in ("id", "programme_id")
        ],
        name=None if named is None else named.name,
    )


def _told(row: _Row, names: dict[Id, Called], about: Id) -> HistoryEntry:
    said = sentence(_entry(row), names, Clock(row.time_zone), about)
    return HistoryEntry(
        command_id=row.id,
        words=said.words,
        day=said.day,
        kind=row.kind,
        status=row.status,
        actor=row.actor,
        received_at=row.received_at,
    )


def write_number(number: int) -> str:
    """Where a page ends, as text for a URL."""
    return base64.urlsafe_b64encode(str(number).encode()).decode().rstrip("=")


def read_number(text: str) -> int | None:
    """What ``write_number`` wrote, None for anything else."""
    try:
        number = int(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None
    return number if 0 <= number < 2**63 else None

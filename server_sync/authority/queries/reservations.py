"""Reservations as people see them: with their one word, their time and room, their people and what happened.

The word is derived by ``rules.attendance``; SQL derives it too, for the filter by word alone.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any, Final, get_args

import msgspec
import sqlalchemy as sa
from msgspec import structs

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.queries.page import Page, fetch_page
from server_sync.authority.queries.seats import of_claims as seats_of
from server_sync.authority.queries.views import FactView, MemberView, ReservationView, ReservedSeat
from server_sync.authority.queries.waitlists import CAME, WAITING, Place, places
from server_sync.authority.tables import metadata
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Attendance, SlotReservation
from server_sync.rules.attendance import Word, party, word

_CLAIMS = metadata.tables["slot_reservations"]
_SLOTS = metadata.tables["event_slots"]
_EVENTS = metadata.tables["events"]
_ROOMS = metadata.tables["locations"]
_GROUPS = metadata.tables["groups"]
_MEMBERS = metadata.tables["reservation_members"]
_PEOPLE = metadata.tables["participants"]
_FACTS = metadata.tables["attendance"]


class EventCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many reservations of an event read *status*, and how many places they take."""

    status: Word
    reservations: int
    spots: int


class _Row(SlotReservation, frozen=True, kw_only=True, omit_defaults=True):
    """A claim with what other tables say of it."""

    event_name: str
    location_name: str
    start_time: datetime
    end_time: datetime
    group_name: str | None = None
    seated: bool | None = None


class _Member(MemberView, frozen=True, kw_only=True, omit_defaults=True):
    reservation_id: Id


def _select() -> sa.Select[Any]:
    return (
        sa.select(
            _CLAIMS,
            _EVENTS.c.name.label("event_name"),
            _ROOMS.c.name.label("location_name"),
            _SLOTS.c.start_time,
            _SLOTS.c.end_time,
            _GROUPS.c.name.label("group_name"),
            _SLOTS.c.seated,
        )
        .join(_SLOTS, _SLOTS.c.id == _CLAIMS.c.slot_id)
        .join(_EVENTS, _EVENTS.c.id == _CLAIMS.c.event_id)
        .join(_ROOMS, _ROOMS.c.id == _CLAIMS.c.location_id)
        .outerjoin(_GROUPS, _GROUPS.c.id == _CLAIMS.c.group_id)
        .where(_CLAIMS.c.deleted.isnot(True))
    )


async def page(
    reads: Reads,
    programme_id: Id | None,
    *,
    event_id: Id | None,
    location_id: Id | None,
    slot_id: Id | None,
    participant_id: Id | None,
    word: Word | None,
    begins: datetime | None,
    ends: datetime | None,
    limit: int,
    after: str | None,
    by_time_made: bool = False,
) -> Page[ReservationView] | Refusal:
    """Reservations by the start of their slots, or in the order in which they were made.

    With *begins* and *ends* only those whose slots end after the one and start before the other.
    """
    select = _select()
    for column, id in (
        (_SLOTS.c.programme_id, programme_id), (_SLOTS.c.event_id, event_id), (_CLAIMS.c.slot_id, slot_id),
        (_SLOTS.c.location_id, location_id),
    ):  # fmt: skip
        if id is not None:
            select = select.where(column == uid(id))
    if participant_id is not None:
        of_person = sa.select(_MEMBERS.c.reservation_id).where(
            _MEMBERS.c.participant_id == uid(participant_id), _MEMBERS.c.deleted.isnot(True)
        )
        select = select.where(_CLAIMS.c.id.in_(of_person))
    if word is not None:
        select = select.where(_has_word(word))
    if begins is not None:
        select = select.where(_SLOTS.c.end_time > begins)
    if ends is not None:
        select = select.where(_SLOTS.c.start_time < ends)
    if by_time_made:
        order = (_CLAIMS.c.reserved_at, _CLAIMS.c.id)
        found = await fetch_page(reads, select, _Row, order, lambda row: (row.reserved_at, row.id), limit, after)
    else:
        order = (_SLOTS.c.start_time, _CLAIMS.c.id)
        found = await fetch_page(reads, select, _Row, order, lambda row: (row.start_time, row.id), limit, after)
    return found if isinstance(found, Refusal) else Page(await _views(reads, found.rows), found.next)


async def in_line(
    reads: Reads, event_id: Id, slot_id: Id | None, limit: int, after: str | None
) -> Page[tuple[ReservationView, Place]] | Refusal:
    """Who waits in an event, first come first; with *slot_id* only who would take a place there."""
    select = _select().where(_CLAIMS.c.event_id == uid(event_id), WAITING)
    if slot_id is not None:
        select = select.where(sa.or_(_CLAIMS.c.slot_id == uid(slot_id), _CLAIMS.c.any_slot.is_(True)))
    order = (CAME, _CLAIMS.c.id)
    found = await fetch_page(
        reads, select, _Row, order, lambda row: (row.queued_at or row.reserved_at, row.id), limit, after
    )
    if isinstance(found, Refusal):
        return found
    where = await places(reads, [event_id] if found.rows else [])
    views = await _views(reads, found.rows)
    return Page([(view, where[view.id]) for view in views if view.id in where], found.next)


async def one(reads: Reads, programme_id: Id | None, reservation_id: Id) -> ReservationView | None:
    """One reservation, if it is of the programme (or of any, where none is named)."""
    select = _select().where(_CLAIMS.c.id == uid(reservation_id))
    if programme_id is not None:
        select = select.where(_CLAIMS.c.programme_id == uid(programme_id))
    views = await _views(reads, await reads.rows(select, _Row))
    return views[0] if views else None


async def _views(reads: Reads, rows: list[_Row]) -> list[ReservationView]:
    """The rows with their people, facts and seats, a read of each for all of them."""
    if not rows:
        return []
    ids = [uid(row.id) for row in rows]
    members: dict[Id, list[MemberView]] = defaultdict(list)
    select = (
        sa.select(_MEMBERS.c.reservation_id, _MEMBERS.c.participant_id, _PEOPLE.c.display_name, _PEOPLE.c.school)
        .join(_PEOPLE, _PEOPLE.c.id == _MEMBERS.c.participant_id)
        .where(_MEMBERS.c.reservation_id.in_(ids), _MEMBERS.c.deleted.isnot(True))
        .order_by(_PEOPLE.c.display_name, _MEMBERS.c.id)
    )
    for member in await reads.rows(select, _Member):
        members[member.reservation_id].append(
            MemberView(participant_id=member.participant_id, display_name=member.display_name, school=member.school)
        )
    facts: dict[Id, list[Attendance]] = defaultdict(list)
    recorded = sa.select(_FACTS).where(_FACTS.c.reservation_id.in_(ids), _FACTS.c.deleted.isnot(True))
    for fact in await reads.rows(recorded.order_by(_FACTS.c.occurred_at, _FACTS.c.id), Attendance):
        facts[fact.reservation_id].append(fact)
    seats = await seats_of(reads, [row.id for row in rows if row.seated])
    lines = await places(reads, {row.event_id for row in rows if row.claim == "waitlisted"})
    return [_view(row, members[row.id], facts[row.id], seats.get(row.id), lines.get(row.id)) for row in rows]


def _view(
    row: _Row,
    members: list[MemberView],
    facts: list[Attendance],
    seats: list[ReservedSeat] | None,
    place: Place | None,
) -> ReservationView:
    there = [member.participant_id for member in members]
    counting = party(there, facts).values()
    arrivals = [member.arrived.occurred_at for member in counting if member.arrived is not None]
    performances = [member.performed.occurred_at for member in counting if member.performed is not None]
    names = ", ".join(member.display_name for member in members)
    leave = ("group_name", "seated", "deleted")
    fields = {name: value for name, value in structs.asdict(row).items() if name not in leave}
    return msgspec.convert(
        fields
        | {
            "status": word(row, there, facts),
            "name": row.reserved_name or row.group_name or names,
            "members": members,
            "attendance": [msgspec.convert(fact, FactView, from_attributes=True) for fact in facts],
            "checked_in_at": min(arrivals, default=None),
            "performed_at": min(performances, default=None),
            "seats": seats,
            "place_in_line": None if place is None else place.place_in_line,
        },
        ReservationView,
    )


async def counts(reads: Reads, event_id: Id) -> dict[Word, EventCount]:
    """How many reservations of an event read each word, and how many places they take; computed from them each time."""
    claims = (
        sa.select(_word().label("status"), _CLAIMS.c.spots)
        .join(_SLOTS, _SLOTS.c.id == _CLAIMS.c.slot_id)
        .where(_SLOTS.c.event_id == uid(event_id), _CLAIMS.c.deleted.isnot(True))
        .subquery("claims")
    )
    reservations, spots = sa.func.count().label("reservations"), sa.func.sum(claims.c.spots).label("spots")
    rows = await reads.rows(sa.select(claims.c.status, reservations, spots).group_by(claims.c.status), EventCount)
    return {word: EventCount(status=word, reservations=0, spots=0) for word in get_args(Word)} | {
        row.status: row for row in rows
    }


_RESERVED: Final[frozenset[Word]] = frozenset({"reserved", "confirmed", "checked_in", "performed", "no_show"})
"""Words of reserved claims; every other word is the claim's own state."""


def _word() -> sa.ColumnElement[str]:
    """A claim's word; the same as ``rules.attendance.word`` says."""
    reserved = sa.case((_CLAIMS.c.confirmed_at.isnot(None), "confirmed"), else_="reserved")
    return sa.case((_CLAIMS.c.claim != "reserved", _CLAIMS.c.claim), else_=sa.func.coalesce(_furthest(), reserved))


def _has_word(word: Word) -> sa.ColumnElement[bool]:
    """The condition that a claim's word is *word*, as far as possible said of columns first."""
    if word not in _RESERVED:
        return _CLAIMS.c.claim == word
    found = sa.and_(_CLAIMS.c.claim == "reserved", _word() == word)
    if word == "no_show":  # few are, and an index knows of whom it was said
        said = sa.select(_FACTS.c.reservation_id).where(_FACTS.c.kind == "no_show")
        found = sa.and_(_CLAIMS.c.id.in_(said.where(_FACTS.c.programme_id == _CLAIMS.c.programme_id)), found)
    return found


def _furthest() -> sa.ScalarSelect[Any]:
    """How far any member of a claim came: performed, checked_in, no_show if all of them are, or NULL."""
    undoing = _FACTS.alias("undoing")
    stands = ~sa.exists().where(
        undoing.c.kind == "undone",
        undoing.c.deleted.isnot(True),
        undoing.c.undoes == _FACTS.c.command_id,
        undoing.c.reservation_id == _FACTS.c.reservation_id,
        undoing.c.participant_id.is_not_distinct_from(_FACTS.c.participant_id),
    )

    def latest(kind: str) -> sa.ColumnElement[Any]:
        return sa.func.max(_FACTS.c.occurred_at).filter(_FACTS.c.kind == kind).label(kind)

    claim = sa.select(_CLAIMS.c.id).correlate(_CLAIMS).subquery("claim")  # a claim by a name alone has no members
    there = sa.and_(_MEMBERS.c.reservation_id == claim.c.id, _MEMBERS.c.deleted.isnot(True))
    of_all = _FACTS.c.participant_id.is_(None)
    about = sa.and_(
        _FACTS.c.reservation_id == claim.c.id,
        _FACTS.c.deleted.isnot(True),
        sa.or_(_FACTS.c.participant_id == _MEMBERS.c.participant_id, of_all),
        stands,
    )
    by_member = (
        sa.select(latest("arrived"), latest("performed"), latest("no_show"))
        .select_from(claim.outerjoin(_MEMBERS, there).outerjoin(_FACTS, about))
        .group_by(_MEMBERS.c.participant_id)
        .subquery("by_member")
    )
    performed = by_member.c.performed.isnot(None)
    came = sa.and_(
        by_member.c.arrived.isnot(None),
        sa.or_(by_member.c.no_show.is_(None), by_member.c.no_show <= by_member.c.arrived),
    )
    missed = by_member.c.no_show.isnot(None)
    return sa.select(
        sa.case(
            (sa.func.bool_or(performed), "performed"),
            (sa.func.bool_or(sa.and_(sa.not_(performed), came)), "checked_in"),
            (sa.func.bool_and(missed), "no_show"),
        )
    ).scalar_subquery()

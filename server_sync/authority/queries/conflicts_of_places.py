"""Conflicts of rooms, slots and claims: used twice, gone, too small, over-full, or claimed in what is closed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.expression import FromClause

from server_sync.authority.queries.conflict_parts import LIVE, name_of, place_of
from server_sync.authority.queries.engine import uid
from server_sync.authority.tables import metadata
from server_sync.protocol.ids import Id

_CLAIMS = metadata.tables["slot_reservations"]
_MEMBERS = metadata.tables["reservation_members"]
_PEOPLE = metadata.tables["participants"]
_GROUPS = metadata.tables["groups"]
_SLOTS = metadata.tables["event_slots"]
_BLOCKS = metadata.tables["event_time_blocks"]
_EVENTS = metadata.tables["events"]
_ROOMS = metadata.tables["locations"]
_USES = metadata.tables["event_locations"]


# ------------------------------------------------------------------- rooms


def room_double_booked(programme_id: Id, walk: int) -> sa.Select[Any]:
    """Blocks that overlap in one room, cancelled ones aside; one that was allowed is marked with its reason."""
    one, other = _BLOCKS.alias("one"), _BLOCKS.alias("other")
    events = _EVENTS.alias("one_event"), _EVENTS.alias("other_event")
    places = [
        place_of(event, _ROOMS, block.c.start_time, block.c.end_time, time_block_id=block.c.id)
        for block, event in zip((one, other), events, strict=True)
    ]
    waived = sa.or_(one.c.waived, other.c.waived)
    reason = sa.func.coalesce(one.c.waived_reason, other.c.waived_reason)
    there = [sa.and_(block.c.status != "cancelled", block.c.deleted.isnot(True)) for block in (one, other)]
    overlap = sa.and_(
        other.c.location_id == one.c.location_id,
        sa.tuple_(other.c.start_time, other.c.id) > sa.tuple_(one.c.start_time, one.c.id),
        other.c.start_time < one.c.end_time,
    )
    return (
        sa.select(places[0].label("place"), places[1].label("other"), waived.label("waived"), reason.label("reason"))
        .select_from(
            sa.join(one, other, overlap)
            .join(events[0], events[0].c.id == one.c.event_id)
            .join(events[1], events[1].c.id == other.c.event_id)
            .join(_ROOMS, _ROOMS.c.id == one.c.location_id)
        )
        .where(one.c.programme_id == uid(programme_id), *there)
        .order_by(waived, one.c.start_time, one.c.id, other.c.id)
    )


def room_gone(programme_id: Id, walk: int) -> sa.Select[Any]:
    """Blocks, and slots of blocks, whose room was taken out of the programme."""
    block = sa.select(_BLOCKS.c.id, _BLOCKS.c.event_id, _BLOCKS.c.location_id, _BLOCKS.c.start_time, _BLOCKS.c.end_time)
    slot = sa.select(
        _SLOTS.c.time_block_id, _SLOTS.c.event_id, _SLOTS.c.location_id, _SLOTS.c.start_time, _SLOTS.c.end_time
    )
    both = sa.union_all(
        block.where(_BLOCKS.c.programme_id == uid(programme_id), *_takes_place(_BLOCKS)),
        slot.where(_SLOTS.c.programme_id == uid(programme_id), *_takes_place(_SLOTS)),
    ).subquery("both")
    return _by_block(both, _ROOMS.c.deleted.is_(True))


def room_too_small(programme_id: Id, walk: int) -> sa.Select[Any]:
    """Blocks with slots for more people than their room is for."""
    slot = sa.select(
        _SLOTS.c.time_block_id.label("id"), _SLOTS.c.event_id, _SLOTS.c.location_id, _SLOTS.c.start_time,
        _SLOTS.c.end_time, _SLOTS.c.capacity,
    )  # fmt: skip
    slots = slot.where(_SLOTS.c.programme_id == uid(programme_id), *_takes_place(_SLOTS)).subquery("slots")
    over = sa.func.max(slots.c.capacity - _ROOMS.c.capacity).label("by")
    most = sa.func.max(_ROOMS.c.capacity).label("most")
    small = sa.and_(_ROOMS.c.deleted.isnot(True), slots.c.capacity > _ROOMS.c.capacity)
    return _by_block(slots, small, over, most)


def room_not_linked(programme_id: Id, walk: int) -> sa.Select[Any]:
    """Events with slots in a room that is not among the rooms they use."""
    linked = sa.exists().where(
        _USES.c.event_id == _SLOTS.c.event_id,
        _USES.c.location_id == _SLOTS.c.location_id,
        _USES.c.deleted.isnot(True),
    )
    found = (
        sa.select(_SLOTS.c.event_id, _SLOTS.c.location_id, sa.func.count().label("by"))
        .where(_SLOTS.c.programme_id == uid(programme_id), *_takes_place(_SLOTS), ~linked)
        .group_by(_SLOTS.c.event_id, _SLOTS.c.location_id)
        .subquery("found")
    )
    return (
        sa.select(place_of(_EVENTS, _ROOMS, None, None).label("place"), found.c.by)
        .select_from(found)
        .join(_EVENTS, _EVENTS.c.id == found.c.event_id)
        .join(_ROOMS, _ROOMS.c.id == found.c.location_id)
        .where(_ROOMS.c.deleted.isnot(True))  # said already, as a room that is gone
        .order_by(_EVENTS.c.name, _ROOMS.c.name, _EVENTS.c.id, _ROOMS.c.id)
    )


def _by_block(times: FromClause, wrong: sa.ColumnElement[bool], *more: Any) -> sa.Select[Any]:
    """One conflict a block and room, whatever number of its slots are in it, from the first start to the last end."""
    start, end = sa.func.min(times.c.start_time), sa.func.max(times.c.end_time)
    return (
        sa.select(place_of(_EVENTS, _ROOMS, start, end, time_block_id=times.c.id).label("place"), *more)
        .select_from(times)
        .join(_EVENTS, _EVENTS.c.id == times.c.event_id)
        .join(_ROOMS, _ROOMS.c.id == times.c.location_id)
        .where(wrong)
        .group_by(times.c.id, _EVENTS.c.id, _ROOMS.c.id)
        .order_by(start, times.c.id, _ROOMS.c.id)
    )


# ------------------------------------------------------- places and claims


def slot_over_full(programme_id: Id, walk: int) -> sa.Select[Any]:
    """Slots that hold more than their capacity, with the reasons that were given for it."""
    reasons = (
        sa.select(sa.func.string_agg(sa.distinct(_CLAIMS.c.override_reason), "; "))
        .where(_CLAIMS.c.slot_id == _SLOTS.c.id, _CLAIMS.c.claim.in_(LIVE), _CLAIMS.c.deleted.isnot(True))
        .correlate(_SLOTS)
        .scalar_subquery()
    )
    place = place_of(_EVENTS, _ROOMS, _SLOTS.c.start_time, _SLOTS.c.end_time, slot_id=_SLOTS.c.id)
    select = _over_full(programme_id, _SLOTS, _SLOTS.c.capacity, place, reasons.label("reason"))
    tables = sa.join(_SLOTS, _EVENTS, _EVENTS.c.id == _SLOTS.c.event_id)
    return select.select_from(tables.join(_ROOMS, _ROOMS.c.id == _SLOTS.c.location_id))


def block_over_full(programme_id: Id, walk: int) -> sa.Select[Any]:
    """Blocks that hold more than their limit."""
    place = place_of(_EVENTS, _ROOMS, _BLOCKS.c.start_time, _BLOCKS.c.end_time, time_block_id=_BLOCKS.c.id)
    tables = sa.join(_BLOCKS, _EVENTS, _EVENTS.c.id == _BLOCKS.c.event_id)
    select = _over_full(programme_id, _BLOCKS, _BLOCKS.c.max_capacity, place)
    return select.select_from(tables.join(_ROOMS, _ROOMS.c.id == _BLOCKS.c.location_id))


def event_over_full(programme_id: Id, walk: int) -> sa.Select[Any]:
    """Events that hold more than their limit."""
    return _over_full(programme_id, _EVENTS, _EVENTS.c.capacity, place_of(_EVENTS, None, None, None))


def _over_full(
    programme_id: Id, rows: FromClause, most: sa.ColumnElement[Any], place: sa.ColumnElement[Any], *more: Any
) -> sa.Select[Any]:
    over = rows.c.reserved_count - most
    return (
        sa.select(place.label("place"), over.label("by"), most.label("most"), *more)
        .where(rows.c.programme_id == uid(programme_id), rows.c.deleted.isnot(True), over > 0)
        .order_by(over.desc(), rows.c.id)
    )


def claim_on_closed(programme_id: Id, walk: int) -> sa.Select[Any]:
    """Claims that hold places where nothing takes place: in what is cancelled or deleted.

    What is closed, blocked or not active takes no newcomers; that whoever is in it stays is what was meant.
    """
    deleted = sa.or_(*(rows.c.deleted.is_(True) for rows in (_SLOTS, _BLOCKS, _EVENTS)))
    cancelled = sa.or_(_SLOTS.c.status == "cancelled", _BLOCKS.c.status == "cancelled")
    state = sa.case((deleted, "deleted"), else_="cancelled")
    return _claims(programme_id, _CLAIMS.c.claim.in_(LIVE), sa.or_(deleted, cancelled), more=(state.label("state"),))


def hold_expired(programme_id: Id, walk: int) -> sa.Select[Any]:
    """Holds whose time is over and that are still written down as holds."""
    return _claims(programme_id, _CLAIMS.c.claim == "held", _CLAIMS.c.expires_at <= sa.func.now())


def _claims(programme_id: Id, *wrong: sa.ColumnElement[bool], more: tuple[Any, ...] = ()) -> sa.Select[Any]:
    """Claims for which *wrong* holds, each with whose it is."""
    people = (
        sa.select(sa.func.string_agg(_PEOPLE.c.display_name, sa.text("', ' ORDER BY participants.display_name")))
        .join(_MEMBERS, _MEMBERS.c.participant_id == _PEOPLE.c.id)
        .where(_MEMBERS.c.reservation_id == _CLAIMS.c.id, _MEMBERS.c.deleted.isnot(True))
        .correlate(_CLAIMS)
        .scalar_subquery()
    )
    whose = sa.func.coalesce(_CLAIMS.c.reserved_name, _GROUPS.c.name, people, "somebody")
    place = place_of(
        _EVENTS, _ROOMS, _SLOTS.c.start_time, _SLOTS.c.end_time, slot_id=_SLOTS.c.id, reservation_id=_CLAIMS.c.id
    )
    return (
        sa.select(name_of(_CLAIMS.c.id, whose).label("reservation"), place.label("place"), *more)
        .select_from(_CLAIMS)
        .join(_SLOTS, _SLOTS.c.id == _CLAIMS.c.slot_id)
        .join(_BLOCKS, _BLOCKS.c.id == _SLOTS.c.time_block_id)
        .join(_EVENTS, _EVENTS.c.id == _SLOTS.c.event_id)
        .join(_ROOMS, _ROOMS.c.id == _SLOTS.c.location_id)
        .outerjoin(_GROUPS, _GROUPS.c.id == _CLAIMS.c.group_id)
        .where(_CLAIMS.c.programme_id == uid(programme_id), _CLAIMS.c.deleted.isnot(True), *wrong)
        .order_by(_SLOTS.c.start_time, _CLAIMS.c.id)
    )


def _takes_place(rows: FromClause) -> tuple[sa.ColumnElement[bool], ...]:
    return rows.c.status != "cancelled", rows.c.deleted.isnot(True)

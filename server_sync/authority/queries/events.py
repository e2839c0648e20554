"""Events and their time blocks."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from server_sync.authority.queries.engine import Reads, uid
from server_sync.authority.queries.page import Page, fetch_page
from server_sync.authority.queries.views import BlockView, EventView
from server_sync.authority.tables import metadata
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Category

_EVENTS = metadata.tables["events"]
_USES = metadata.tables["event_locations"]
_BLOCKS = metadata.tables["event_time_blocks"]
_SLOTS = metadata.tables["event_slots"]
_ROOMS = metadata.tables["locations"]


def _view() -> sa.Select[Any]:
    rooms = (
        sa.select(sa.func.coalesce(sa.func.json_agg(_USES.c.location_id), sa.text("'[]'::json")))
        .where(_USES.c.event_id == _EVENTS.c.id, _USES.c.deleted.isnot(True))
        .scalar_subquery()
    )
    points = sa.func.json_build_object(
        "first", _EVENTS.c.points_first, "second", _EVENTS.c.points_second, "third", _EVENTS.c.points_third
    )
    limited = _EVENTS.c.capacity.isnot(None)
    remaining = sa.case((limited, sa.func.greatest(_EVENTS.c.capacity - _EVENTS.c.reserved_count, 0)))
    left = sa.func.least(_free_in_slots(), remaining)  # passes over NULL
    return sa.select(
        _EVENTS,
        points.label("points"),
        rooms.label("location_ids"),
        remaining.label("remaining"),
        sa.case((_EVENTS.c.is_active, left), else_=0).label("available"),
        sa.and_(left == 0, sa.or_(_has_slots(), sa.func.coalesce(remaining == 0, sa.false()))).label("full"),
    ).where(_EVENTS.c.deleted.isnot(True))


def _free_in_slots() -> sa.ScalarSelect[Any]:
    """What the open slots of an event's open blocks have free, as far as each block's own limit lets it be used."""
    in_block = (
        sa.select(sa.func.sum(sa.func.greatest(_SLOTS.c.capacity - _SLOTS.c.reserved_count, 0)))
        .where(_SLOTS.c.time_block_id == _BLOCKS.c.id, _SLOTS.c.deleted.isnot(True), _SLOTS.c.status == "open")
        .correlate(_BLOCKS)
        .scalar_subquery()
    )
    return (
        sa.select(sa.func.coalesce(sa.func.sum(_limited(sa.func.coalesce(in_block, 0))), 0))
        .where(_BLOCKS.c.event_id == _EVENTS.c.id, _BLOCKS.c.deleted.isnot(True))
        .correlate(_EVENTS)
        .scalar_subquery()
    )


def _has_slots() -> sa.ColumnElement[bool]:
    """Whether the event has slots that take place."""
    there = (_SLOTS.c.event_id == _EVENTS.c.id, _SLOTS.c.deleted.isnot(True), _SLOTS.c.status != "cancelled")
    return sa.exists().where(*there).correlate(_EVENTS)


async def page(
    reads: Reads, programme_id: Id | None, category: Category | None, active: bool | None, location_id: Id | None,
    limit: int, after: str | None,
) -> Page[EventView] | Refusal:  # fmt: skip
    """Events by name, of one programme or all."""
    select = _view()
    if programme_id is not None:
        select = select.where(_EVENTS.c.programme_id == uid(programme_id))
    if category is not None:
        select = select.where(_EVENTS.c.category == category)
    if active is not None:
        select = select.where(_EVENTS.c.is_active.is_(active))
    if location_id is not None:
        used = sa.select(_USES.c.event_id).where(_USES.c.location_id == uid(location_id), _USES.c.deleted.isnot(True))
        select = select.where(_EVENTS.c.id.in_(used))
    order = (_EVENTS.c.name, _EVENTS.c.id)
    return await fetch_page(reads, select, EventView, order, lambda row: (row.name, row.id), limit, after)


async def one(reads: Reads, programme_id: Id | None, event_id: Id) -> EventView | None:
    """One event, if it is of the programme (or of any, where none is named)."""
    select = _view().where(_EVENTS.c.id == uid(event_id))
    if programme_id is not None:
        select = select.where(_EVENTS.c.programme_id == uid(programme_id))
    return await reads.one(select, EventView)


async def blocks(reads: Reads, event_id: Id | None = None, block_id: Id | None = None) -> list[BlockView]:
    """An event's blocks by start, or one block, with the sums of their slots."""
    of_block = sa.and_(
        _SLOTS.c.time_block_id == _BLOCKS.c.id, _SLOTS.c.deleted.isnot(True), _SLOTS.c.status != "cancelled"
    )
    free = sa.func.greatest(_SLOTS.c.capacity - _SLOTS.c.reserved_count, 0)
    open_ = _SLOTS.c.status == "open"
    select = (
        sa.select(
            _BLOCKS,
            _ROOMS.c.name.label("location_name"),
            sa.func.count(_SLOTS.c.id).label("slots"),
            sa.func.count(_SLOTS.c.id).filter(open_).label("open_slots"),
            sa.func.coalesce(sa.func.sum(_SLOTS.c.capacity), 0).label("capacity"),
            sa.func.coalesce(sa.func.sum(_SLOTS.c.reserved_count), 0).label("reserved"),
            _limited(sa.func.coalesce(sa.func.sum(free).filter(open_), 0)).label("remaining"),
        )
        .join(_ROOMS, _ROOMS.c.id == _BLOCKS.c.location_id)
        .outerjoin(_SLOTS, of_block)
        .where(_BLOCKS.c.deleted.isnot(True))
        .group_by(_BLOCKS.c.id, _ROOMS.c.name)
        .order_by(_BLOCKS.c.start_time, _BLOCKS.c.id)
    )
    if event_id is not None:
        select = select.where(_BLOCKS.c.event_id == uid(event_id))
    if block_id is not None:
        select = select.where(_BLOCKS.c.id == uid(block_id))
    return await reads.rows(select, BlockView)


def _limited(free: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """What the slots have free, as far as the block's own limit lets it be used; 0 in one that is not open."""
    left = sa.func.least(free, _BLOCKS.c.max_capacity - _BLOCKS.c.reserved_count)  # passes over NULL, as greatest does
    return sa.case((_BLOCKS.c.status == "open", sa.func.greatest(left, 0)), else_=0)

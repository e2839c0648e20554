"""``/v1/reservations``: who is where, and everything that is done with a reservation once it is there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import structs

from server_sync.api.faces import Call, Faces
from server_sync.api.slots import Instant
from server_sync.authority.queries import ledger, reservations
from server_sync.authority.queries.page import Limit
from server_sync.authority.queries.views import ReservationView, ReservationWord
from server_sync.protocol.errors import (
    ALREADY_RESERVED,
    BLOCK_FULL,
    DOUBLE_BOOKED,
    EVENT_FULL,
    HOLD_EXPIRED,
    INVALID,
    LINE_AHEAD,
    MOVED,
    NOT_CANCELLED,
    NOT_CONFIRMED,
    NOT_FOUND,
    NOT_LIVE,
    NOTHING_TO_DO,
    NOTHING_TO_UNDO,
    SAME_SLOT,
    SLOT_CANCELLED,
    SLOT_CLOSED,
    SLOT_FULL,
    STALE_VERSION,
    Refusal,
)
from server_sync.protocol.ids import GivenId, Id

faces = Faces("reservations")

Action = Literal["cancel", "move", "confirm", "swap", "reinstate", "update", "check_in", "performed", "no_show", "undo"]

KINDS: Final[dict[Action, str]] = {
    "cancel": "reservation.cancel",
    "move": "reservation.move",
    "confirm": "reservation.confirm",
    "swap": "reservation.swap",
    "reinstate": "reservation.reinstate",
    "update": "reservation.update",
    "check_in": "attendance.arrive",
    "performed": "attendance.perform",
    "no_show": "attendance.no_show",
    "undo": "attendance.undo",
}
_WAIVED: Final = frozenset({"override_reason", "waive_reason"})
_PARTY: Final = frozenset({"participant_ids", "occurred_at"})
_TAKES: Final[dict[Action, frozenset[str]]] = {
    "cancel": frozenset({"reason"}),
    "move": frozenset({"slot_id", "seat_ids"}) | _WAIVED,
    "confirm": frozenset(),
    "swap": frozenset({"with_reservation_id"}) | _WAIVED,
    "reinstate": _WAIVED,
    "update": _WAIVED
    | {"guests", "special_requirements", "contact", "reserved_name", "metadata", "seat_ids"}
    | {"add_participant_ids", "remove_participant_ids"},
    "check_in": _PARTY,
    "performed": _PARTY,
    "no_show": _PARTY,
    "undo": frozenset({"command_id", "occurred_at"}),
}
_FACTS: Final[frozenset[Action]] = frozenset({"check_in", "performed", "no_show", "undo"})
"""What happened, happened: these commands know no version, so that it is compared before they are given."""


class ReservationQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Filters of the list of reservations; ``status`` is the word that people see. ``order`` is by their slots' start,
    or by when they were made.
    """

    event_id: GivenId | None = None
    location_id: GivenId | None = None
    slot_id: GivenId | None = None
    participant_id: GivenId | None = None
    status: ReservationWord | None = None
    from_: Instant | None = msgspec.field(default=None, name="from")
    to: Instant | None = None
    order: Literal["start", "reserved_at"] = "start"
    limit: Limit = 100
    after: str | None = None


class ReservationPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Reservations in the order that was asked for. ``next`` goes into ``after`` for the next page."""

    reservations: list[ReservationView]
    next: str | None = None


_Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to do. ``move`` needs ``slot_id``, ``swap`` ``with_reservation_id``; ``undo`` may name a ``command_id``.

    ``version`` is that of the reservation as the caller saw it: if it changed since, nothing is done (STALE_VERSION).
    ``occurred_at`` is when a person arrived, performed or was missed, if that was not just now. Of what ``update``
    changes, a field that is left out stays as it is, and null clears it.
    """

    action: Action
    version: int | None = None
    slot_id: GivenId | None = None
    with_reservation_id: GivenId | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    participant_ids: list[GivenId] = []
    command_id: GivenId | None = None
    occurred_at: Instant | None = None
    guests: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None
    special_requirements: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    contact: Annotated[str, msgspec.Meta(max_length=320)] | None = None
    reserved_name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    metadata: dict[str, Any] | None = None
    add_participant_ids: list[GivenId] = []
    remove_participant_ids: list[GivenId] = []
    seat_ids: list[GivenId] = []
    override_reason: _Reason | None = None
    waive_reason: _Reason | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """The reservation as it is now, and the command that did it (an undo may name it)."""

    command_id: Id
    reservation: ReservationView


@faces.get("/reservations", ReservationPage, query=ReservationQuery, role="volunteer")
async def list_reservations(call: Call[ReservationQuery]) -> ReservationPage | Refusal:
    """List reservations."""
    query = call.query
    page = await reservations.page(
        call.services.reads, call.named_programme(), event_id=query.event_id, location_id=query.location_id,
        slot_id=query.slot_id, participant_id=query.participant_id, word=query.status, begins=query.from_,
        ends=query.to, limit=query.limit, after=query.after, by_time_made=query.order == "reserved_at",
    )  # fmt: skip
    if isinstance(page, Refusal):
        return page
    return ReservationPage(reservations=[_shown(call, row) for row in page.rows], next=page.next)


@faces.get("/reservations/{reservation_id}", ReservationView, role="volunteer")
async def one_reservation(call: Call[Any]) -> ReservationView | Refusal:
    """One reservation with its people and all that was recorded about them."""
    return await _find(call)


@faces.put(
    "/reservations/{reservation_id}", Change, Changed, role="volunteer",
    refusals=(STALE_VERSION, MOVED, NOT_LIVE, NOT_CONFIRMED, NOT_CANCELLED, HOLD_EXPIRED, SAME_SLOT, SLOT_FULL,
              SLOT_CLOSED, SLOT_CANCELLED, BLOCK_FULL, EVENT_FULL, LINE_AHEAD, DOUBLE_BOOKED, ALREADY_RESERVED,
              NOTHING_TO_DO, NOTHING_TO_UNDO),
    example='{"action": "check_in", "version": 1}',
)  # fmt: skip
async def change(call: Call[Any]) -> Changed | Refusal:
    """Cancel, move, swap, confirm, update or bring back, check in, mark performed or no-show, or undo one of these."""
    asked = _read_change(call.body)
    if isinstance(asked, Refusal):
        return asked
    before = await _find(call)
    if isinstance(before, Refusal):
        return before
    args = await _fact(call, asked, before) if asked.action in _FACTS else _request(call, asked, before)
    if isinstance(args, Refusal):
        return args
    seen = {f"slot_reservations/{before.id}": before.placement_version} if asked.version is not None else None
    done = await call.submit(
        KINDS[asked.action], args, before.programme_id, occurred_at=asked.occurred_at,
        seen=seen if asked.action in _FACTS else None,
    )  # fmt: skip
    if isinstance(done, Refusal):
        return done
    after = await _find(call)
    return after if isinstance(after, Refusal) else Changed(command_id=call.command_id, reservation=after)


async def _find(call: Call[Any]) -> ReservationView | Refusal:
    id = call.ids["reservation_id"]
    found = await reservations.one(call.services.reads, call.principal.programme_id, id)
    return Refusal(NOT_FOUND, {"reservation_id": id}) if found is None else _shown(call, found)


def _shown(call: Call[Any], row: ReservationView) -> ReservationView:
    """How to reach people is for admins alone."""
    return row if call.principal.role == "admin" else structs.replace(row, reserved_contact=None)


def _read_change(body: dict[str, Any]) -> Change | Refusal:
    try:
        asked = msgspec.convert(body, Change)
    except msgspec.ValidationError as error:
        return Refusal(INVALID, {"problem": str(error)})
    strange = body.keys() - {"action", "version"} - _TAKES[asked.action]
    if strange:
        return Refusal(INVALID, {"problem": f"{asked.action} does not take this", "fields": sorted(strange)})
    return asked


def _request(call: Call[Any], asked: Change, before: ReservationView) -> dict[str, Any] | Refusal:
    """The arguments as they were given: the command itself compares the version, once nobody can change it any more."""
    if asked.action == "move" and asked.slot_id is None:
        return Refusal(INVALID, {"field": "slot_id", "problem": "a move needs to know where to"})
    if asked.action == "swap" and asked.with_reservation_id is None:
        return Refusal(INVALID, {"field": "with_reservation_id", "problem": "a swap needs to know with whom"})
    given = {name: value for name, value in call.body.items() if name in _TAKES[asked.action]}
    version = {} if asked.version is None else {"version": asked.version}
    return {"reservation_id": before.id} | version | given


async def _fact(call: Call[Any], asked: Change, before: ReservationView) -> dict[str, Any] | Refusal:
    """The arguments of a fact. A repetition that named no command undoes the one that it undid at first."""
    repeated = None
    if "idempotency-key" in call.request.headers:
        repeated = await ledger.arguments(call.services.reads, call.principal.id, call.command_id, KINDS[asked.action])
    if repeated is None and asked.version is not None and asked.version != before.version:
        return Refusal(STALE_VERSION, {"reservation_id": before.id, "seen": asked.version, "version": before.version})
    if asked.action == "undo":
        command_id = asked.command_id or (repeated or {}).get("command_id") or _latest(before)
        ours = {fact.command_id for fact in before.attendance if fact.kind != "undone"}
        if command_id is None or command_id not in ours:
            return Refusal(NOTHING_TO_UNDO, {"reservation_id": before.id})
        return {"command_id": command_id}
    people = {"participant_ids": asked.participant_ids} if asked.participant_ids else {}
    return {"reservation_id": before.id, **people}


def _latest(before: ReservationView) -> Id | None:
    """The command whose facts were recorded last and still stand."""
    undone = {fact.undoes for fact in before.attendance}
    standing = [fact for fact in before.attendance if fact.kind != "undone" and fact.command_id not in undone]
    latest = max(standing, key=_when, default=None)
    return None if latest is None else latest.command_id


def _when(fact: Any) -> tuple[datetime, Id]:
    return fact.occurred_at, fact.command_id

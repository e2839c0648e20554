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
    BLOCK_FULL,
    DOUBLE_BOOKED,
    EVENT_FULL,
    HOLD_EXPIRED,
    INVALID,
    MOVED,
    NOT_FOUND,
    NOT_LIVE,
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

Action = Literal["cancel", "move", "check_in", "performed", "no_show", "undo"]

KINDS: Final[dict[Action, str]] = {
    "cancel": "reservation.cancel",
    "move": "reservation.move",
    "check_in": "attendance.arrive",
    "performed": "attendance.perform",
    "no_show": "attendance.no_show",
    "undo": "attendance.undo",
}
_TAKES: Final[dict[Action, frozenset[str]]] = {
    "cancel": frozenset({"reason"}),
    "move": frozenset({"slot_id"}),
    "check_in": frozenset({"participant_ids", "occurred_at"}),
    "performed": frozenset({"participant_ids", "occurred_at"}),
    "no_show": frozenset({"participant_ids", "occurred_at"}),
    "undo": frozenset({"command_id", "occurred_at"}),
}


class ReservationQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Filters of the list of reservations; ``status`` is the word that people see."""

    event_id: GivenId | None = None
    location_id: GivenId | None = None
    slot_id: GivenId | None = None
    participant_id: GivenId | None = None
    status: ReservationWord | None = None
    from_: Instant | None = msgspec.field(default=None, name="from")
    to: Instant | None = None
    limit: Limit = 100
    after: str | None = None


class ReservationPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Reservations by the start of their slots. ``next`` goes into ``after`` for the next page."""

    reservations: list[ReservationView]
    next: str | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to do. ``move`` needs ``slot_id``; ``undo`` may name the command that it undoes, else the latest goes.

    ``version`` is that of the reservation as the caller saw it: if it changed since, nothing is done (STALE_VERSION).
    ``occurred_at`` is when a person arrived, performed or was missed, if that was not just now.
    """

    action: Action
    version: int | None = None
    slot_id: GivenId | None = None
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    participant_ids: list[GivenId] = []
    command_id: GivenId | None = None
    occurred_at: Instant | None = None


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
        ends=query.to, limit=query.limit, after=query.after,
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
    refusals=(STALE_VERSION, MOVED, NOT_LIVE, HOLD_EXPIRED, SAME_SLOT, SLOT_FULL, SLOT_CLOSED, SLOT_CANCELLED,
              BLOCK_FULL, EVENT_FULL, DOUBLE_BOOKED, NOTHING_TO_UNDO),
    example='{"action": "check_in", "version": 1}',
)  # fmt: skip
async def change(call: Call[Any]) -> Changed | Refusal:
    """Cancel, move, check in, mark performed or no-show, or undo one of these."""
    asked = _read_change(call.body)
    if isinstance(asked, Refusal):
        return asked
    before = await _find(call)
    if isinstance(before, Refusal):
        return before
    repeated = None
    if "idempotency-key" in call.request.headers:
        repeated = await ledger.arguments(
            call.services.reads, call.principal.id, call.command_id, KINDS[asked.action]
        )
    if repeated is None and asked.version is not None and asked.version != before.version:
        return Refusal(STALE_VERSION, {"reservation_id": before.id, "seen": asked.version, "version": before.version})
    args = _arguments(asked, before, repeated)
    if isinstance(args, Refusal):
        return args
    seen = {f"slot_reservations/{before.id}": before.placement_version} if asked.version is not None else None
    done = await call.submit(
        KINDS[asked.action], args, before.programme_id, occurred_at=asked.occurred_at, seen=seen
    )
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


def _arguments(asked: Change, before: ReservationView, repeated: dict[str, Any] | None) -> dict[str, Any] | Refusal:
    """The command's arguments; a repetition that named no command undoes the one that it undid at first."""
    if asked.action == "undo":
        command_id = asked.command_id or (repeated or {}).get("command_id") or _latest(before)
        ours = {fact.command_id for fact in before.attendance if fact.kind != "undone"}
        if command_id is None or command_id not in ours:
            return Refusal(NOTHING_TO_UNDO, {"reservation_id": before.id})
        return {"command_id": command_id}
    args: dict[str, Any] = {"reservation_id": before.id}
    if asked.action == "move":
        if asked.slot_id is None:
            return Refusal(INVALID, {"field": "slot_id", "problem": "a move needs to know where to"})
        return args | {"slot_id": asked.slot_id}
    if asked.action == "cancel":
        return args | ({} if asked.reason is None else {"reason": asked.reason})
    return args | ({"participant_ids": asked.participant_ids} if asked.participant_ids else {})


def _latest(before: ReservationView) -> Id | None:
    """The command whose facts were recorded last and still stand."""
    undone = {fact.undoes for fact in before.attendance}
    standing = [fact for fact in before.attendance if fact.kind != "undone" and fact.command_id not in undone]
    latest = max(standing, key=_when, default=None)
    return None if latest is None else latest.command_id


def _when(fact: Any) -> tuple[datetime, Id]:
    return fact.occurred_at, fact.command_id

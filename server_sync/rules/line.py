"""``waitlist.promote`` and ``waitlist.remove``: the host's hand in the line, for several of those who wait at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from server_sync.protocol.errors import NOTHING_TO_DO, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import EventSlot, ReservationMember, SlotReservation
from server_sync.rules.claims import place, release
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.freed import freed_slots
from server_sync.rules.placing import (
    Waivers,
    admit,
    needs_people,
    needs_slot,
    open_slot,
    slots_to_come,
    waivers,
)
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reservations import guard_placement, needs_reservation, reservation
from server_sync.rules.reserve import Reason
from server_sync.rules.state import MEMBERS, Keys, takes_places
from server_sync.rules.transitions import after
from server_sync.rules.waitlist import expire_overdue, needs_release, promoted_answer, serve

MOST = 1000
ReservationIds = Annotated[list[GivenId], msgspec.Meta(min_length=1, max_length=MOST)]
Step = Callable[[Draft, SlotReservation], Refusal | None]


class Promote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who, in that order, which need not be the line's. All of them or nobody, or with ``best`` whoever can.

    There must be room; with ``override_reason`` an admin makes it, and with ``waive_reason`` they may be elsewhere too.
    """

    reservation_ids: ReservationIds
    mode: Literal["all", "best"] = "all"
    override_reason: Reason | None = None
    waive_reason: Reason | None = None


class Remove(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose place in line ends, and why. All of them or nobody, or with ``best`` whoever still waits."""

    reservation_ids: ReservationIds
    mode: Literal["all", "best"] = "all"
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None


def promote(draft: Draft, command: Command[Promote], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """Whole parties get places, in the order given; then whoever stood behind them may move up."""
    waived = waivers(command, command.args.override_reason, command.args.waive_reason)
    if isinstance(waived, Refusal):
        return waived

    def step(trial: Draft, claim: SlotReservation) -> Refusal | None:
        return _promote(trial, command, claim, waived, now, ask)

    return _each(draft, command, "promote", step, ask)


def remove(draft: Draft, command: Command[Remove], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """They wait no longer; everybody behind moves up."""

    def step(trial: Draft, claim: SlotReservation) -> Refusal | None:
        release(trial, claim, "cancelled", cancelled_at=now)
        return None

    return _each(draft, command, "remove", step, ask)


def _each(draft: Draft, command: Command[Any], name: str, step: Step, ask: Keys) -> dict[str, Any] | Refusal:
    """Take the step for each claim that waits, and report; with ``all`` the first refusal is everybody's."""
    results: list[dict[str, Any]] = []
    freed: set[Id] = set()
    first: Refusal | None = None
    ids = list(dict.fromkeys(command.args.reservation_ids))
    for id in ids:  # ask for all at once: one by one it would take as many rounds as there are
        there = needs_reservation(ask, draft, id)
        if there is not None:
            needs_release(ask, draft, there)
    waiting = {id: _waiting(draft, command, id, name) for id in ids}
    for index, (id, claim) in enumerate(waiting.items()):
        moved_up = draft.get(SlotReservation, id)
        if isinstance(claim, SlotReservation) and moved_up is not None and takes_places(moved_up):
            results.append({"reservation_id": id, "slot_id": moved_up.slot_id, "claim": moved_up.claim})
            continue  # holds that ran out on the way went to the line, and so to it
        trial = Draft(draft)
        refusal = claim if isinstance(claim, Refusal) else step(trial, claim)
        if refusal is not None:
            first = first or Refusal(refusal.code, {"index": index, "reservation_id": id} | refusal.details)
            results.append({"reservation_id": id, "code": refusal.code, "details": refusal.details})
            continue
        assert isinstance(claim, SlotReservation)
        draft.write(*trial.puts)
        freed |= freed_slots(claim)
        now_at = draft.get(SlotReservation, id) or claim
        results.append({"reservation_id": id, "slot_id": now_at.slot_id, "claim": now_at.claim})
    if first is not None and command.args.mode == "all":
        return first
    if not draft.puts:
        return Refusal(NOTHING_TO_DO, {"results": results})
    return {"results": results} | promoted_answer(serve(draft, freed, ask))


def _waiting(draft: Draft, command: Command[Any], id: Id, name: str) -> SlotReservation | Refusal:
    """The claim if it waits, and stands where the person saw it."""
    claim = reservation(draft, command, id)
    if isinstance(claim, Refusal):
        return claim
    step = after(claim, name)
    return step if isinstance(step, Refusal) else guard_placement(command, claim) or claim


def _promote(
    draft: Draft, command: Command[Promote], claim: SlotReservation, waived: Waivers, now: datetime | None, ask: Keys
) -> Refusal | None:
    """A place in the claim's slot; of those who take any slot, in the first that has room, else in their own."""
    people = draft.find(MEMBERS, claim.id)
    needs_people(ask, (member.participant_id for member in people))
    refusal: Refusal | None = None
    for slot_id in _slot_ids(draft, claim):
        trial = Draft(draft)
        refused = _into(trial, command, claim, slot_id, people, waived._replace(overbook=None), now, ask)
        if refused is None:
            draft.write(*trial.puts)
            return None
        refusal = refused if refusal is None or slot_id == claim.slot_id else refusal
    if waived.overbook is None:
        return refusal
    return _into(draft, command, claim, claim.slot_id, people, waived, now, ask)


def _slot_ids(draft: Draft, claim: SlotReservation) -> list[Id]:
    if not claim.any_slot:
        return [claim.slot_id]
    return [slot.id for slot in slots_to_come(draft, claim.event_id)]


def _into(
    draft: Draft,
    command: Command[Promote],
    claim: SlotReservation,
    slot_id: Id,
    members: list[ReservationMember],
    waived: Waivers,
    now: datetime | None,
    ask: Keys,
) -> Refusal | None:
    """The claim in that slot, or why not; the draft is of no use then."""
    slot = open_slot(draft, command.programme_id, slot_id, closed_too=waived.overbook is not None)
    if isinstance(slot, Refusal):
        return slot
    people = [member.participant_id for member in members]
    expire_overdue(draft, slot, claim.spots, people, now, ask)
    claim = draft.get(SlotReservation, claim.id) or claim
    if takes_places(claim):
        return None  # what ran out went to the line, and so to it
    slot = draft.get(EventSlot, slot_id) or slot
    excused = {member.participant_id for member in members if member.waived}
    double = admit(draft, slot, claim.spots, people, waived, None, (claim.id,), excused)
    if isinstance(double, Refusal):
        return double
    needs_slot(ask, draft, slot_id)
    slot = draft.get(EventSlot, slot_id) or slot
    reason = {} if waived.overbook is None else {"override_reason": waived.overbook}
    return place(draft, claim, slot, "reserved", None, double, waived.double_book, **reason)


RULES: list[Rule[Any]] = [
    rehearsed("waitlist.promote", Promote, promote, "room_manager"),
    rehearsed("waitlist.remove", Remove, remove, "volunteer"),
]

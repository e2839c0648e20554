"""The life of a claim: every state and every step, each allowed as the table says or refused for its own reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest
from msgspec import structs

from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Claim, EventSlot, SlotReservation
from server_sync.rules.state import MEMBERS, Changes
from server_sync.rules.transitions import TRANSITIONS
from tests.unit.day import Day

KINDS = {
    "confirm": "reservation.confirm",
    "expire": "hold.expire",
    "promote": "waitlist.promote",
    "remove": "waitlist.remove",
    "cancel": "reservation.cancel",
    "move": "reservation.move",
    "swap": "reservation.swap",
    "update": "reservation.update",
    "reinstate": "reservation.reinstate",
}
REFUSED = {
    ("held", "promote"): "NOT_WAITING",
    ("held", "remove"): "NOT_WAITING",
    ("held", "move"): "NOT_CONFIRMED",
    ("held", "swap"): "NOT_CONFIRMED",
    ("held", "reinstate"): "NOT_CANCELLED",
    ("waitlisted", "confirm"): "NOT_HELD",
    ("waitlisted", "expire"): "NOT_HELD",
    ("waitlisted", "swap"): "NOT_LIVE",
    ("waitlisted", "reinstate"): "NOT_CANCELLED",
    ("reserved", "expire"): "NOT_HELD",
    ("reserved", "promote"): "NOT_WAITING",
    ("reserved", "remove"): "NOT_WAITING",
    ("reserved", "reinstate"): "NOT_CANCELLED",
    ("cancelled", "confirm"): "NOT_LIVE",
    ("cancelled", "expire"): "NOT_HELD",
    ("cancelled", "promote"): "NOT_WAITING",
    ("cancelled", "remove"): "NOT_WAITING",
    ("cancelled", "cancel"): "NOT_LIVE",
    ("cancelled", "move"): "NOT_LIVE",
    ("cancelled", "swap"): "NOT_LIVE",
    ("cancelled", "update"): "NOT_LIVE",
    ("expired", "confirm"): "HOLD_EXPIRED",
    ("expired", "expire"): "NOT_HELD",
    ("expired", "promote"): "NOT_WAITING",
    ("expired", "remove"): "NOT_WAITING",
    ("expired", "cancel"): "HOLD_EXPIRED",
    ("expired", "move"): "HOLD_EXPIRED",
    ("expired", "swap"): "HOLD_EXPIRED",
    ("expired", "update"): "HOLD_EXPIRED",
}


def made(day: Day, slot: EventSlot, claim: Claim) -> Id:
    """A reservation of one person in that state."""
    id = day.reserve(slot, day.person())
    row = structs.replace(
        day.claim(id),
        claim=claim,
        queued_at=day.now if claim == "waitlisted" else None,
        expires_at=day.now + timedelta(minutes=3) if claim in ("held", "expired") else None,
    )
    live = claim in ("held", "reserved")
    members = [
        structs.replace(member, live=live, waiting=True if claim == "waitlisted" else None)
        for member in day.state.find(MEMBERS, id)
    ]
    day.put(row, *members)
    return id


def arguments(day: Day, step: str, id: Id, other: EventSlot) -> dict[str, Any]:
    """What the command that takes the step is told."""
    if step in ("expire", "promote", "remove"):
        return {"reservation_ids": [id]}
    more: dict[str, dict[str, Any]] = {
        "move": {"slot_id": other.id},
        "swap": {"with_reservation_id": day.reserve(other, day.person()) if step == "swap" else ""},
        "update": {"special_requirements": "ramp"},
    }
    return {"reservation_id": id} | more.get(step, {})


def test_every_pair_is_either_a_step_or_has_its_refusal() -> None:
    pairs = {(claim, step) for claim in get_args(Claim) for step in KINDS}
    assert set(TRANSITIONS) | set(REFUSED) == pairs
    assert not set(TRANSITIONS) & set(REFUSED)


@pytest.mark.parametrize("step", KINDS)
@pytest.mark.parametrize("claim", get_args(Claim))
def test_what_becomes_of_a_claim(claim: Claim, step: str) -> None:
    day = Day()
    event = day.create("event", name="Choir", waitlist_enabled=True)
    here, other = day.slots(2, capacity=3, event=event)
    id = made(day, here, claim)
    args = arguments(day, step, id, other)
    if step == "expire":
        day.now += timedelta(minutes=5)
    before = day.claim(id)
    verdict = day.do(KINDS[step], args)
    if (claim, step) in REFUSED:
        assert isinstance(verdict, Refusal), verdict
        assert verdict.code == REFUSED[claim, step]
        assert day.claim(id) == before
        return
    assert isinstance(verdict, Changes), verdict
    now = day.claim(id)
    assert now.claim == TRANSITIONS[claim, step]
    assert now.version == before.version + 1
    live = now.claim in ("held", "reserved")
    for member in day.state.find(MEMBERS, id):
        assert member.live == live
        assert (member.waiting is True) == (now.claim == "waitlisted")
    assert (now.cancelled_at is not None) == (now.claim == "cancelled")
    counted = sum(row.spots for row in day.state.rows[SlotReservation].values() if row.claim in ("held", "reserved"))
    assert counted == day.slot(here).reserved_count + day.slot(other).reserved_count

"""Whatever is done to a schedule, in whatever order: counts, rooms, people and lines stay right.

``Day`` holds the centre against a desk after every command; here the result is held against what must never be false.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    Event,
    EventSlot,
    EventTimeBlock,
    Participant,
    ReservationMember,
    SlotReservation,
)
from server_sync.rules.placing import open_slot, room_for
from server_sync.rules.state import takes_places
from server_sync.rules.waiting import line, waits_for
from tests.unit.day import NOON, Day

STEPS = int(os.environ.get("CALLBOARD_WALK_STEPS", "250"))


def there(day: Day, record: type[Any]) -> list[Any]:
    """The rows of a table that have not left."""
    return [row for row in day.state.rows[record].values() if not row.deleted]


class Walk:
    """A day, and dice."""

    def __init__(self, seed: int) -> None:
        self.day, self.draw = Day(), random.Random(seed)
        self.rooms = [self.day.create("location", name=name) for name in "AB"]
        self.people = [self.day.person(str(number)) for number in range(4)]
        self.refused: dict[str, int] = {}
        self.applied: dict[str, int] = {}

    def one(self, record: type[Any]) -> Id | None:
        """One of the rows there are."""
        rows = there(self.day, record)
        return self.draw.choice(rows).id if rows else None

    def step(self) -> None:
        """One command, whatever becomes of it."""
        self.day.now += timedelta(seconds=1)
        kind, args = self._command()
        if None in args.values() and not {"capacity", "max_capacity"} & args.keys():
            return
        verdict = self.day.do(kind, args)
        counts = self.refused if isinstance(verdict, Refusal) else self.applied
        counts[kind] = counts.get(kind, 0) + 1

    def _command(self) -> tuple[str, dict[str, Any]]:
        draw = self.draw
        about = draw.choice(["event", "block", "slot", "location"])
        record = {"event": Event, "block": EventTimeBlock, "slot": EventSlot}.get(about)
        which: dict[str, Any] = {f"{about}_id": draw.choice(self.rooms) if record is None else self.one(record)}
        if about == "location" and draw.random() < 0.8:
            which |= {"from_time": NOON, "to_time": NOON + timedelta(minutes=draw.choice([20, 40, 90]))}
        waive = {"waive_reason": "x"} if draw.random() < 0.5 else {}
        override = {"override_reason": "x"} if draw.random() < 0.5 else {}
        choice = draw.random()
        if choice < 0.04 and (draw.random() < 0.3 or not there(self.day, Event)):
            order = draw.choice(["strict", "best_fit"])
            return "event.create", {"name": "E", "waitlist_enabled": True, "waitlist_order": order}
        if choice < 0.14:
            start = NOON + timedelta(minutes=draw.randrange(0, 120, 20))
            times = {"start_time": start, "end_time": start + timedelta(minutes=draw.choice([20, 40]))}
            manual = {"manual_slots": True} if draw.random() < 0.5 else {"capacity": draw.randint(1, 3)}
            place = {"event_id": self.one(Event), "location_id": draw.choice(self.rooms)}
            return "block.create", {**place, **times, **manual, **waive}
        if choice < 0.2:
            start = NOON + timedelta(minutes=draw.randrange(0, 160, 10))
            times = {"start_time": start, "end_time": start + timedelta(minutes=10)}
            return "slot.create", {"block_id": self.one(EventTimeBlock), **times, "capacity": draw.randint(1, 2)}
        if choice < 0.5:
            return "reservation.reserve", self._party(waive)
        if choice < 0.58:
            return "reservation.cancel", {"reservation_id": self.one(SlotReservation)}
        if choice < 0.68 and about != "location":
            limit = "max_capacity" if about == "block" else "capacity"
            size = draw.randint(1, 4) if about == "slot" or draw.random() < 0.7 else None
            return f"{about}.update", {**which, limit: size, **override}
        if choice < 0.8:
            close, reopen = ("block", "unblock") if about == "slot" else ("close", "reopen")
            if draw.random() < 0.6:
                return f"{about}.{reopen}", which
            return f"{about}.{close}", {**which, "reason": "x"}
        if choice < 0.92:
            about, which = ("block", {"block_id": self.one(EventTimeBlock)}) if about == "slot" else (about, which)
            return f"{about}.postpone", {**which, "minutes": draw.choice([-30, -10, 10, 20, 60]), **waive}
        if choice < 0.96:
            return f"{about}.cancel", {**which, "reason": "x"}
        if about == "location":
            return "slot.retire", {"slot_id": self.one(EventSlot), "cancel_people": True, "reason": "x"}
        return f"{about}.retire", {**which, "cancel_people": draw.random() < 0.5, "reason": "x"}

    def _party(self, waive: dict[str, Any]) -> dict[str, Any]:
        draw = self.draw
        who = {"reserved_name": "x"} if draw.random() < 0.5 else {"participant_ids": [draw.choice(self.people)]}
        where = {"slot_id": self.one(EventSlot)}
        if draw.random() < 0.4:
            where = {"event_id": self.one(Event)}
        return {**who, **where, "guests": draw.choice([0, 0, 1]), "on_full": "waitlist", **waive}

    # ------------------------------------------------ what must never be false

    def check(self) -> None:
        """Everything that must hold after any command."""
        self._check_counts()
        self._check_nothing_overlaps()
        self._check_members()
        assert not list(self._starving())

    def _check_counts(self) -> None:
        live = [claim for claim in there(self.day, SlotReservation) if takes_places(claim)]
        for record, column, limit in (
            (EventSlot, "slot_id", "capacity"), (EventTimeBlock, "time_block_id", "max_capacity"),
            (Event, "event_id", "capacity"),
        ):  # fmt: skip
            for row in self.day.state.rows[record].values():
                most = getattr(row, limit)
                if most is not None:
                    reserved = sum(claim.spots for claim in live if getattr(claim, column) == row.id)
                    assert row.reserved_count == reserved, row
                    assert row.overbooked_count == max(0, reserved - most), row
                assert not row.deleted or not row.reserved_count or most is None

    def _check_nothing_overlaps(self) -> None:
        blocks = [b for b in there(self.day, EventTimeBlock) if not b.waived and b.status != "cancelled"]
        members = [m for m in there(self.day, ReservationMember) if m.live and not m.waived]
        for rows, column in ((blocks, "location_id"), (members, "participant_id")):
            for one in rows:
                for other in rows:
                    if one.id < other.id and getattr(one, column) == getattr(other, column):
                        assert one.end_time <= other.start_time or other.end_time <= one.start_time, (one, other)

    def _check_members(self) -> None:
        """A member is where and when its claim is, and nobody waits twice for one slot."""
        waiting = set()
        for member in there(self.day, ReservationMember):
            claim = self.day.claim(member.reservation_id)
            assert member.live == takes_places(claim), member
            assert bool(member.waiting) == (claim.claim == "waitlisted" and not claim.deleted)
            if member.live or member.waiting:
                slot = self.day.state.rows[EventSlot][claim.slot_id]
                block = self.day.state.rows[EventTimeBlock][slot.time_block_id]
                times = (member.slot_id, member.start_time, member.end_time)
                assert times == (slot.id, slot.start_time, slot.end_time)
                assert (claim.time_block_id, claim.location_id) == (block.id, slot.location_id)
                assert slot.status != "cancelled"
                assert not slot.deleted
                assert block.start_time <= slot.start_time
                assert slot.end_time <= block.end_time
            if member.waiting:
                assert (member.participant_id, member.slot_id) not in waiting
                waiting.add((member.participant_id, member.slot_id))

    def _starving(self) -> Iterator[tuple[SlotReservation, EventSlot]]:
        """Who waits, is nowhere else, and could have a place without passing anybody (or, in best fit, at all)."""
        for event in there(self.day, Event):
            ahead: list[SlotReservation] = []
            for claim in line(self.day.state, event.id):
                for row in there(self.day, EventSlot):
                    if row.event_id != event.id or not waits_for(claim, row.id) or not claim.reserved_name:
                        continue
                    slot = open_slot(self.day.state, self.day.programme, row.id)
                    if isinstance(slot, Refusal) or room_for(self.day.state, slot, claim.spots) is not None:
                        continue
                    if event.waitlist_order == "best_fit" or not ahead:
                        yield claim, slot
                ahead.append(claim)


@pytest.mark.parametrize("number", range(6))
def test_a_walk_through_everything(number: int) -> None:
    seed = int(os.environ.get("CALLBOARD_SEED", random.randrange(10**6))) + number
    print(f"CALLBOARD_SEED={seed}")
    walk = Walk(seed)
    for _ in range(STEPS):
        walk.step()
        walk.check()
    assert there(walk.day, Participant)
    print(sorted(walk.applied.items()), sorted(walk.refused.items()))
    assert walk.applied, "nothing was carried out"

"""Any commands in any order: what must never be false is true after each (hypothesis, stateful)."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from server_sync.protocol.errors import WORDS, Refusal
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import (
    Attendance,
    Event,
    EventSlot,
    EventTimeBlock,
    ReservationMember,
    Role,
    SlotReservation,
    Staff,
)
from server_sync.rules.attendance import word
from server_sync.rules.registry import RULES
from server_sync.rules.state import FACTS, SLOTS_OF_BLOCK, Changes, State, takes_places
from tests.unit.day import Day, at

SEED = 20260502
EXAMPLES, STEPS = 120, 60

MINUTES = st.integers(0, 12).map(lambda n: 5 * n)
SMALL = st.integers(1, 3)
ROLE = st.sampled_from(["public", "volunteer", "room_manager", "admin"])


class AnyDay(RuleBasedStateMachine):
    """Every kind of command, on purpose often about the same few people and slots."""

    events = Bundle("events")
    rooms = Bundle("rooms")
    blocks = Bundle("blocks")
    slots = Bundle("slots")
    groups = Bundle("groups")
    people = Bundle("people")
    claims = Bundle("claims")
    said = Bundle("said")

    def __init__(self) -> None:
        super().__init__()
        self.day = Day()
        self.facts: dict[Id, Attendance] = {}
        self.kinds: Counter[str] = Counter()
        self.code, self.device = new_id(), new_id()
        self.choir = self.day.create("group", name="Choir")
        self.cast = [self.day.person(group_id=self.choir if n < 2 else None) for n in range(4)]
        limited = self.day.create("event", name="Limited", capacity=3)
        self.ground = [
            *self.day.slots(3, capacity=2),
            *self.day.slots(3, event=limited, max_capacity=2),
            *self.day.slots(2, event=limited, start=at(12, 5), capacity=3),
        ]

    @initialize(target=slots)
    def begin_with_slots(self) -> Any:
        return multiple(*(slot.id for slot in self.ground))

    @initialize(target=blocks)
    def begin_with_blocks(self) -> Any:
        return multiple(*dict.fromkeys(slot.time_block_id for slot in self.ground))

    @initialize(target=people)
    def begin_with_people(self) -> Any:
        return multiple(*self.cast)

    @initialize(target=claims)
    def begin_with_claims(self) -> Any:
        return multiple(*(self.day.reserve(slot, who) for slot, who in zip(self.ground[1::3], self.cast, strict=False)))

    @initialize(target=groups)
    def begin_with_a_group(self) -> Any:
        return self.choir

    def give(self, kind: str, args: dict[str, Any], **how: Any) -> Any:
        """One command; what is new if it was applied, nothing if not. A refusal changes nothing."""
        id = new_id()
        self.day.now += timedelta(seconds=1)
        before = {record: dict(rows) for record, rows in self.day.state.rows.items() if rows}
        verdict = self.day.do(kind, args, id=id, **how)
        if isinstance(verdict, Refusal):
            assert verdict.code in WORDS
            assert before == {record: rows for record, rows in self.day.state.rows.items() if rows}
            return None
        self.kinds[kind] += 1
        self._check_changes(id, verdict)
        return id

    def _check_changes(self, id: Id, changes: Changes) -> None:
        keys = [(type(row), row.id) for row in changes.puts]
        assert len(keys) == len(set(keys)), "a row is put once"
        assert all(row.programme_id == self.day.programme for row in changes.puts)
        assert all(effect.before != effect.after for effect in self.day.effects), "nothing is written in vain"

    # ------------------------------------------------------------- the day

    @rule(target=events, capacity=st.none() | SMALL, external=st.none() | st.sampled_from("ab"))
    def event(self, capacity: int | None, external: str | None) -> Any:
        return one(self.give("event.create", {"name": "Piano", "capacity": capacity, "external_id": external}))

    @initialize(target=rooms)
    def begin_with_rooms(self) -> Any:
        return multiple(*dict.fromkeys(slot.location_id for slot in self.ground))

    @initialize(target=events)
    def begin_with_events(self) -> Any:
        return multiple(*dict.fromkeys(slot.event_id for slot in self.ground))

    @rule(
        target=blocks,
        event=events,
        room=rooms,
        start=MINUTES,
        length=st.integers(1, 6),
        minutes=st.none() | st.sampled_from([5, 10]),
        limit=st.none() | SMALL,
        capacity=SMALL,
        waive=st.none() | st.just("halves"),
    )
    def block(self, event: Id, room: Id, start: int, length: int, minutes: int | None, **more: Any) -> Any:
        begin = at(12) + timedelta(minutes=start)
        return one(
            self.give(
                "block.create",
                {
                    "event_id": event,
                    "location_id": room,
                    "start_time": begin,
                    "end_time": begin + timedelta(minutes=5 * length),
                    "slot_duration_minutes": minutes,
                    "max_capacity": more["limit"],
                    "capacity": more["capacity"],
                    "waive_reason": more["waive"],
                },
            )
        )

    @rule(block=blocks, minutes=st.none() | st.sampled_from([5, 10, 15]), capacity=SMALL)
    def generate(self, block: Id, minutes: int | None, capacity: int) -> None:
        args = {"block_id": block, "slot_duration_minutes": minutes, "capacity": capacity}
        self.give("block.generate_slots", args)

    @rule(target=slots, block=blocks, place=st.integers(0, 3))
    def look_at_a_slot(self, block: Id, place: int) -> Any:
        found = self.day.state.find(SLOTS_OF_BLOCK, block)
        return found[place % len(found)].id if found else multiple()

    @rule(target=people, group=st.none() | groups)
    def person(self, group: Id | None) -> Any:
        return one(self.give("participant.create", {"display_name": "Zoë", "group_id": group}))

    # ------------------------------------------------------------- claims

    @rule(target=claims, slot=slots, who=st.lists(people, max_size=2), guests=st.integers(0, 2), role=ROLE)
    def reserve(self, slot: Id, who: list[Id], guests: int, role: Role) -> Any:
        args = {
            "slot_id": slot,
            "participant_ids": who,
            "guests": guests,
            "reserved_name": None if who else "The Mayor",
        }
        return one(self.give("reservation.reserve", args, role=role))

    @rule(target=claims, slot=slots, group=groups)
    def reserve_for_a_group(self, slot: Id, group: Id) -> Any:
        return one(self.give("reservation.reserve", {"slot_id": slot, "group_id": group}))

    @rule(claim=claims, slot=slots, seen=st.none() | st.integers(1, 3), role=ROLE)
    def move(self, claim: Id, slot: Id, seen: int | None, role: Role) -> None:
        looked = None if seen is None else {f"slot_reservations/{claim}": seen}
        self.give("reservation.move", {"reservation_id": claim, "slot_id": slot}, seen=looked, role=role)

    @rule(claim=claims)
    def cancel(self, claim: Id) -> None:
        self.give("reservation.cancel", {"reservation_id": claim})

    # ------------------------------------------------- what happened, rooms

    @rule(
        target=said,
        kind=st.sampled_from(["arrive", "perform", "no_show"]),
        claim=claims,
        who=st.lists(people, max_size=1),
        early=st.integers(0, 90),
        device=st.none() | st.just(new_id()),
    )
    def fact(self, kind: str, claim: Id, who: list[Id], early: int, device: Id | None) -> Any:
        how = {"occurred_at": self.day.now - timedelta(seconds=early), "device": device}
        args = {"reservation_id": claim, "participant_ids": who}
        return one(self.give(f"attendance.{kind}", args, **how))

    @rule(target=said, command=said)
    def undo(self, command: Id) -> Any:
        return one(self.give("attendance.undo", {"command_id": command}))

    @rule(room=rooms, minutes=st.integers(-5, 30))
    def delay(self, room: Id, minutes: int) -> None:
        args = {"location_id": room, "day": at(12).date(), "delay_minutes": minutes}
        self.give("room_day.delay", args)

    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        flags = [id for record, rows in self.day.state.rows.items() if record.TABLE == "flags" for id in rows]
        if flags:
            self.give("flag.resolve", {"flag_id": data.draw(st.sampled_from(sorted(flags)))})

    # -------------------------------------------------- what else there is

    @rule(wanted=st.sampled_from(["room", "group", "staff", "desk", "late desk", "revoke"]))
    def aside(self, wanted: str) -> None:
        if wanted in ("room", "group"):
            self.give("location.create" if wanted == "room" else "group.create", {"name": "Another"})
            return
        if wanted == "staff":
            self.give("staff.create", {"name": "Bea", "role": "volunteer", "token_id": new_id()})
            self.give("staff.revoke", {"staff_id": sorted(self.day.state.rows[Staff])[0]})
        elif wanted.endswith("desk"):
            expires = self.day.now + timedelta(seconds=1 if wanted == "late desk" else 20)
            args = {"name": "Desk", "ceiling": "volunteer", "code_id": self.code, "expires_at": expires}
            self.give("device.invite", args)
            ids = {"code_id": self.code, "device_id": self.device, "token_id": new_id(), "proof_id": new_id()}
            if self.give("device.enrol", ids):
                self.code = new_id()
        elif self.give("device.revoke", {"device_id": self.device}):
            self.device = new_id()

    # --------------------------------------------------- never to be false

    @invariant()
    def counts_are_what_is_claimed_and_fit(self) -> None:
        counted: Counter[tuple[type[Any], Id]] = Counter()
        for claim in self.day.state.rows[SlotReservation].values():
            if takes_places(claim):
                counted[EventSlot, claim.slot_id] += claim.spots
                counted[EventTimeBlock, claim.time_block_id] += claim.spots
                counted[Event, claim.event_id] += claim.spots
        for record, limit in ((EventSlot, "capacity"), (EventTimeBlock, "max_capacity"), (Event, "capacity")):
            for row in self.day.state.rows[record].values():
                capacity = getattr(row, limit)
                assert row.reserved_count == (0 if capacity is None else counted[record, row.id])
                assert row.overbooked_count == 0, "no command of these overbooks"
                assert capacity is None or row.reserved_count <= capacity

    @invariant()
    def nobody_is_in_two_places(self) -> None:
        times = defaultdict(list)
        for member in self.day.state.rows[ReservationMember].values():
            claim = self.day.claim(member.reservation_id)
            slot = self.day.state.rows[EventSlot][claim.slot_id]
            assert member.live == takes_places(claim)
            assert (member.slot_id, member.start_time, member.end_time) == (slot.id, slot.start_time, slot.end_time)
            if member.live:
                times[member.participant_id].append((member.start_time, member.end_time))
        for spans in times.values():
            assert all(one[1] <= other[0] for one, other in pairwise(sorted(spans)))

    @invariant()
    def a_room_hosts_one_block_unless_waived(self) -> None:
        times = defaultdict(list)
        for block in self.day.state.rows[EventTimeBlock].values():
            if not block.waived:
                times[block.location_id].append((block.start_time, block.end_time))
        for spans in times.values():
            assert all(one[1] <= other[0] for one, other in pairwise(sorted(spans)))

    @invariant()
    def slots_of_a_block_are_numbered_and_do_not_overlap(self) -> None:
        for block in self.day.state.rows[EventTimeBlock].values():
            slots = sorted(self.day.state.find(SLOTS_OF_BLOCK, block.id), key=lambda slot: slot.start_time)
            assert [slot.slot_number for slot in slots] == list(range(1, len(slots) + 1))
            assert all(one.end_time <= other.start_time for one, other in pairwise(slots))
            assert all(block.start_time <= slot.start_time < slot.end_time <= block.end_time for slot in slots)

    @invariant()
    def a_claim_lies_where_its_slot_lies(self) -> None:
        for claim in self.day.state.rows[SlotReservation].values():
            slot = self.day.state.rows[EventSlot][claim.slot_id]
            assert (claim.event_id, claim.location_id, claim.time_block_id) == (
                slot.event_id,
                slot.location_id,
                slot.time_block_id,
            )
            assert not (slot.deleted and takes_places(claim)), "a claimed slot was thrown away"
            assert word(claim, self.day.state.find(FACTS, claim.id))

    @invariant()
    def facts_are_only_ever_appended(self) -> None:
        now = self.day.state.rows[Attendance]
        assert self.facts.items() <= now.items()
        self.facts = dict(now)

    @invariant()
    def indexes_say_what_the_rows_say(self) -> None:
        fresh = State()
        for rows in self.day.state.rows.values():
            for row in rows.values():
                fresh.put(row)
        for index, entries in self.day.state.found.items():
            assert {key: found for key, found in entries.items() if found} == fresh.found[index]

    def teardown(self) -> None:
        APPLIED.update(self.kinds)


APPLIED: Counter[str] = Counter()


def one(id: Id | None) -> Any:
    """What a bundle takes up: the id, or nothing."""
    return multiple() if id is None else id


def test_any_commands_in_any_order() -> None:
    print(f"hypothesis seed {SEED}, {EXAMPLES} examples of {STEPS} steps")
    APPLIED.clear()
    run_state_machine_as_test(
        hypothesis.seed(SEED)(AnyDay),
        settings=hypothesis.settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
    print(dict(APPLIED))
    assert APPLIED.keys() >= RULES.keys() - {"programme.create", "import.apply"}, "every kind was carried out"

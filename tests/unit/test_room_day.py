"""A room's day: who may be put where, and what everybody is told about when it is his turn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from server_sync.protocol.errors import INVALID, NOT_ALLOWED, NOT_FOUND, NOT_LIVE, NOTHING_TO_DO
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import EventSlot, RoomDay
from server_sync.rules.room_day import room_day_id
from server_sync.rules.room_times import Entry, RoomView, room_view
from server_sync.rules.state import FACTS, MEMBERS
from tests.unit.day import NOON, Day, applied, at, refused

TODAY = NOON.date().isoformat()


class Room:
    """A room with one slot of ten minutes after the other from noon, a name in each."""

    def __init__(self, *names: str, pause_after: int = 0) -> None:
        self.day = Day()
        self.id = self.day.create("location", name="Great Hall")
        self.slots: list[EventSlot] = []
        first = names[:pause_after] or names
        self._fill(first, NOON)
        if pause_after:
            self._fill(names[pause_after:], NOON + timedelta(minutes=10 * pause_after + 30))
        self.claims = {
            name: self.day.reserve(slot, self.day.person(name)) for name, slot in zip(names, self.slots, strict=True)
        }

    def _fill(self, names: tuple[str, ...], start: datetime) -> None:
        self.slots += self.day.slots(len(names), start=start, room=self.id)

    def do(self, what: str, **args: Any) -> Any:
        how = {key: args.pop(key) for key in ("role", "programme", "occurred_at") if key in args}
        said = {"location_id": self.id, "day": TODAY, **args}
        return self.day.do(f"room_day.{what}", said, **{"role": "room_manager", **how})

    def stage(self, name: str | None, when: datetime) -> Any:
        self.day.now = when
        return applied(self.do("on_stage", reservation_id=None if name is None else self.claims[name]))

    def say(self, what: str, name: str) -> None:
        applied(self.day.do(f"attendance.{what}", {"reservation_id": self.claims[name]}))

    def several(self, what: str, *names: str) -> Any:
        return self.do(what, reservation_ids=[self.claims[name] for name in names])

    @property
    def row(self) -> RoomDay | None:
        return self.day.state.get(RoomDay, room_day_id(self.id, NOON.date()))

    def view(self, now: datetime) -> RoomView:
        state = self.day.state
        facts = {id: state.find(FACTS, id) for id in self.claims.values()}
        people = {id: [row.participant_id for row in state.find(MEMBERS, id)] for id in self.claims.values()}
        claims = [self.day.claim(id) for id in self.claims.values()]
        return room_view(self.slots, claims, people, facts, self.row, now)

    def entry(self, now: datetime, name: str) -> Entry:
        return next(entry for entry in self.view(now).entries if entry.reservation_id == self.claims[name])

    def starts(self, now: datetime) -> dict[str, str]:
        found = {name: self.entry(now, name).predicted_start for name in self.claims}
        return {name: f"{start:%H:%M}" for name, start in found.items() if start is not None}

    def names(self, ids: list[Id]) -> list[str]:
        return [name for id in ids for name, claim in self.claims.items() if claim == id]


# -------------------------------------------------------------------- what is said


def test_on_stage_and_off_again() -> None:
    room = Room("Ann", "Bea")
    applied(room.several("call", "Ann", "Bea"))
    applied(room.several("skip", "Ann"))
    room.stage("Ann", at(12, 3))
    assert room.row is not None
    assert (room.row.on_stage_id, room.row.on_stage_since) == (room.claims["Ann"], at(12, 3))
    assert (room.row.called, room.row.skipped) == ([room.claims["Bea"]], None), "who is there needs no calling"
    refused(room.do("on_stage", reservation_id=room.claims["Ann"]), NOTHING_TO_DO)
    room.stage("Bea", at(12, 15))
    assert room.row.on_stage_id == room.claims["Bea"]
    room.stage(None, at(12, 20))
    assert (room.row.on_stage_id or room.row.on_stage_since, room.row.version) == (None, 5)
    refused(room.do("on_stage", reservation_id=None), NOTHING_TO_DO)


def test_the_time_is_when_it_was_said_not_when_it_was_heard_of() -> None:
    room = Room("Ann")
    room.day.now = at(12, 30)
    applied(room.do("on_stage", reservation_id=room.claims["Ann"], occurred_at=at(12, 2)))
    assert room.row is not None
    assert room.row.on_stage_since == at(12, 2)


def test_calls_and_skips_add_up_and_are_taken_back() -> None:
    room = Room("Ann", "Bea", "Cyd")
    applied(room.several("call", "Ann"))
    answer = applied(room.several("call", "Bea", "Ann")).answer
    assert answer["called"] == [room.claims["Ann"], room.claims["Bea"]]
    refused(room.several("call", "Bea"), NOTHING_TO_DO)
    applied(room.several("skip", "Cyd"))
    refused(room.several("unskip", "Ann"), NOTHING_TO_DO)
    assert applied(room.several("unskip", "Cyd", "Ann")).answer["skipped"] == []
    room.stage("Ann", at(12))
    assert refused(room.several("skip", "Bea", "Ann"), INVALID)["reservation_id"] == room.claims["Ann"]


@pytest.mark.parametrize("what", ["on_stage", "call", "skip"])
def test_only_who_is_in_this_room_on_this_day(what: str) -> None:
    room = Room("Ann")
    (elsewhere,) = room.day.slots()
    (tomorrow,) = room.day.slots(room=room.id, start=NOON + timedelta(days=1))
    other, later = room.day.reserve(elsewhere, room.day.person()), room.day.reserve(tomorrow, room.day.person())

    def said(id: Id) -> Any:
        return room.do(what, **({"reservation_id": id} if what == "on_stage" else {"reservation_ids": [id]}))

    assert refused(said(other), INVALID)["location_id"] == elsewhere.location_id
    assert str(refused(said(later), INVALID)["day"]) == "2026-05-03"
    refused(said(new_id()), NOT_FOUND)
    applied(room.day.do("reservation.cancel", {"reservation_id": room.claims["Ann"]}))
    refused(said(room.claims["Ann"]), NOT_LIVE)
    assert room.row is None


def test_the_day_is_that_of_the_programmes_time_zone() -> None:
    room = Room("Ann")
    day = Day()
    tokyo = day.create("programme", name="Tokyo", time_zone="Asia/Tokyo")
    day.programme = tokyo
    hall = day.create("location", name="Hall")
    (slot,) = day.slots(room=hall, start=at(16))  # already the third of May there
    claim = day.reserve(slot, day.person())
    args = {"location_id": hall, "reservation_id": claim}
    refused(day.do("room_day.on_stage", {**args, "day": "2026-05-02"}), INVALID)
    applied(day.do("room_day.on_stage", {**args, "day": "2026-05-03"}))
    refused(room.do("on_stage", reservation_id=None, role="volunteer"), NOT_ALLOWED)
    refused(room.do("on_stage", reservation_id=None, programme=new_id()), NOT_FOUND)
    refused(room.do("call", reservation_ids=[]), INVALID)


# --------------------------------------------------------------- what is predicted


def test_before_it_begins_everything_is_as_planned() -> None:
    room = Room("Ann", "Bea", "Cyd", "Dot")
    view = room.view(at(11))
    assert room.starts(at(11)) == {"Ann": "12:00", "Bea": "12:10", "Cyd": "12:20", "Dot": "12:30"}
    assert (room.names(view.next), room.names(view.on_deck), view.missing) == (["Ann"], ["Bea"], [])
    assert view.on_stage is None


def test_whoever_is_on_stage_since_late_makes_everybody_behind_late() -> None:
    room = Room("Ann", "Bea", "Cyd")
    room.stage("Ann", at(12, 8))
    assert room.starts(at(12, 9)) == {"Ann": "12:08", "Bea": "12:18", "Cyd": "12:28"}
    assert room.starts(at(12, 25)) == {"Ann": "12:08", "Bea": "12:25", "Cyd": "12:35"}, "overdue: any moment"
    view = room.view(at(12, 9))
    assert (view.on_stage, view.on_stage_since) == (room.claims["Ann"], at(12, 8))
    assert (room.names(view.next), room.names(view.on_deck)) == (["Bea"], ["Cyd"])


def test_nobody_begins_before_his_time_though_somebody_was_quick() -> None:
    room = Room("Ann", "Bea", "Cyd")
    room.stage("Ann", at(12))
    room.say("perform", "Ann")
    view = room.view(at(12, 4))
    assert view.on_stage is None, "who performed is off the stage, though nobody said so"
    assert room.starts(at(12, 4)) == {"Bea": "12:10", "Cyd": "12:20"}
    assert room.entry(at(12, 4), "Ann").turn == "done"


def test_a_room_that_is_ahead_begins_earlier_but_never_in_the_past() -> None:
    room = Room("Ann", "Bea", "Cyd")
    applied(room.do("delay", delay_minutes=-5))
    assert room.starts(at(11)) == {"Ann": "11:55", "Bea": "12:05", "Cyd": "12:15"}
    room.stage("Ann", at(11, 54))
    assert room.starts(at(11, 56)) == {"Ann": "11:54", "Bea": "12:05", "Cyd": "12:15"}
    assert room.starts(at(12, 7)) == {"Ann": "11:54", "Bea": "12:07", "Cyd": "12:17"}


def test_a_delay_is_said_of_whoever_is_next_and_a_break_gives_it_back() -> None:
    room = Room("Ann", "Bea", "Cyd", "Dot", pause_after=2)
    applied(room.do("delay", delay_minutes=20))
    assert room.starts(at(11)) == {"Ann": "12:20", "Bea": "12:30", "Cyd": "12:50", "Dot": "13:00"}
    applied(room.do("delay", delay_minutes=45))
    assert room.starts(at(11)) == {"Ann": "12:45", "Bea": "12:55", "Cyd": "13:05", "Dot": "13:15"}


def test_who_is_skipped_or_did_not_show_leaves_no_gap_in_a_late_room() -> None:
    room = Room("Ann", "Bea", "Cyd", "Dot")
    room.stage("Ann", at(12, 20))
    applied(room.several("skip", "Bea"))
    assert room.starts(at(12, 21)) == {"Ann": "12:20", "Cyd": "12:30", "Dot": "12:40"}
    room.say("no_show", "Cyd")
    assert room.starts(at(12, 21)) == {"Ann": "12:20", "Dot": "12:30"}
    assert [room.entry(at(12, 21), name).turn for name in room.claims] == ["on_stage", "skipped", "no_show", "next"]
    applied(room.several("unskip", "Bea"))
    assert room.starts(at(12, 21)) == {"Ann": "12:20", "Bea": "12:30", "Dot": "12:40"}


def test_who_arrives_after_all_is_in_the_order_again() -> None:
    room = Room("Ann", "Bea")
    room.say("no_show", "Ann")
    room.day.now += timedelta(minutes=1)
    room.say("arrive", "Ann")
    assert room.entry(at(12, 2), "Ann").turn == "next"
    assert room.starts(at(12, 2)) == {"Ann": "12:02", "Bea": "12:12"}


def test_a_party_of_which_one_did_not_come_keeps_its_turn() -> None:
    day = Day()
    (slot,) = day.slots(capacity=3)
    ann, bea, cyd = day.person("Ann"), day.person("Bea"), day.person("Cyd")
    claim = day.reserve(slot, ann, bea, cyd)

    def entry(*people: Id) -> Entry:
        facts = {claim: day.state.find(FACTS, claim)}
        (seen,) = room_view([slot], [day.claim(claim)], {claim: people}, facts, None, at(11)).entries
        return seen

    applied(day.do("attendance.no_show", {"reservation_id": claim, "participant_ids": [ann]}))
    seen = entry(ann, bea, cyd)
    assert (seen.turn, seen.predicted_start, seen.here) == ("next", NOON, False)
    assert entry(ann).turn == "no_show", "once nobody else is in it"
    applied(day.do("attendance.arrive", {"reservation_id": claim, "participant_ids": [bea]}))
    assert entry(ann, bea, cyd).here
    assert not entry(ann, cyd).here, "who came has left the party"


def test_missing_is_who_is_called_or_nearly_due_and_not_here() -> None:
    room = Room("Ann", "Bea", "Cyd", "Dot")
    assert room.names(room.view(at(11, 49)).missing) == []
    assert room.names(room.view(at(11, 50)).missing) == ["Ann"]
    applied(room.several("call", "Dot"))
    assert room.names(room.view(at(11, 50)).missing) == ["Ann", "Dot"]
    room.say("arrive", "Ann")
    assert room.names(room.view(at(12)).missing) == ["Bea", "Dot"]
    applied(room.several("skip", "Bea"))
    assert room.names(room.view(at(12)).missing) == ["Dot"]


def test_who_was_moved_away_is_not_on_stage_here() -> None:
    room = Room("Ann", "Bea")
    room.stage("Ann", at(12))
    (there,) = room.day.slots(start=at(15))
    applied(room.day.do("reservation.move", {"reservation_id": room.claims["Ann"], "slot_id": there.id}))
    view = room.view(at(12, 1))
    assert view.on_stage is None
    assert [entry.reservation_id for entry in view.entries] == [room.claims["Bea"]]


def test_several_in_one_slot_begin_together() -> None:
    day = Day()
    hall = day.create("location", name="Hall")
    first, second = day.slots(2, capacity=2, room=hall)
    ann, bea, cyd = (day.reserve(slot, day.person()) for slot in (first, first, second))
    view = room_view([first, second], [day.claim(id) for id in (ann, bea, cyd)], {}, {}, None, at(11))
    assert (sorted(view.next), view.on_deck) == (sorted([ann, bea]), [cyd])
    assert [entry.predicted_start for entry in view.entries] == [NOON, NOON, at(12, 10)]

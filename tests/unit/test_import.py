"""``import.apply``: what a file brings, what it changes when it comes again, and what it never takes away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from server_sync.protocol.records import (
    Event,
    EventLocation,
    EventSlot,
    EventTimeBlock,
    Group,
    Location,
    Participant,
    Programme,
    ReservationMember,
    SlotReservation,
)
from server_sync.rules import import_check
from server_sync.rules.import_file import preview
from server_sync.rules.import_report import MOST_PROBLEMS, TableCounts
from tests.unit.day import Day, applied, at, refused
from tests.unit.files import attempt, bring, codes, counts, document, hold, row, talk, talks

PEOPLE = """id,first_name,last_name,school,group,email
P1,Ann,Lee,North,,ann@example.org
P2,Bo,Ek,North,Duo,
P3,Cy,Fox,South,Duo,
"""
SCHEDULE = """block,event,category,type,room,building,date,start,end,slot_minutes,slot_capacity,capacity
B1,Piano,music,individual,Hall,Main,2026-05-02,09:00,10:00,15,2,5
B2,Dance,dance,team,Gym,Main,2026-05-02,09:00,10:00,30,4,
"""
CLAIMS = """block,slot,person_id,group,entry,notes
B1,1,P1,,,needs a stool
B1,2,P2,,,
B2,2,,Duo,,
B1,3,,,Guest pianist,
"""


def day() -> Day:
    """A programme that has the three files."""
    made = Day()
    bring(made, PEOPLE, SCHEDULE, CLAIMS)
    return made


def test_everything_of_the_files_is_there() -> None:
    made = Day()
    changes = bring(made, PEOPLE, SCHEDULE, CLAIMS)
    added = {table: count.added for table, count in preview(changes).items() if count.added}
    assert added == {
        "events": 2, "locations": 2, "event_locations": 2, "event_time_blocks": 2, "event_slots": 6,
        "participants": 3, "groups": 1, "slot_reservations": 4, "reservation_members": 4,
    }  # fmt: skip
    assert codes(changes) == []
    ann, duo = row(made, Participant, external_id="P1"), row(made, Group, name="Duo")
    assert (ann.display_name, ann.school, ann.contact, ann.group_id) == ("Ann Lee", "North", "ann@example.org", None)
    assert {p.display_name for p in made.state.rows[Participant].values() if p.group_id == duo.id} == {
        "Bo Ek", "Cy Fox",
    }  # fmt: skip
    claim = row(made, SlotReservation, participant_id=ann.id)
    assert (claim.claim, claim.spots, claim.special_requirements) == ("reserved", 1, "needs a stool")
    team = row(made, SlotReservation, group_id=duo.id)
    assert (team.spots, team.participant_id) == (2, None)
    assert row(made, SlotReservation, reserved_name="Guest pianist").spots == 1
    piano = row(made, EventTimeBlock, external_id="B1")
    assert (piano.max_capacity, piano.reserved_count, piano.slot_duration_minutes) == (5, 3, 15)
    slot = row(made, EventSlot, time_block_id=piano.id, slot_number=2)
    assert (slot.start_time, slot.capacity, slot.reserved_count) == (at(9, 15), 2, 1)
    assert [room.position for room in made.state.rows[Location].values()] == [1, 2]
    programme = row(made, Programme)
    assert str(programme.starts_on) == str(programme.ends_on) == "2026-05-02"


def test_the_same_file_again_changes_nothing() -> None:
    made = day()
    again = bring(made, PEOPLE, SCHEDULE, CLAIMS)
    assert again.puts == []
    assert again.answer["changed"] == 0
    assert sum(count.unchanged for count in preview(again).values()) == 26 + 1  # and the programme


def test_a_changed_file_updates_and_leaves_the_rest() -> None:
    made = day()
    changes = bring(
        made,
        PEOPLE.replace("Ann,Lee,North", "Anna,Lee,"),
        SCHEDULE.replace("Hall,Main", "Hall,Annexe").replace(",5\n", ",4\n"),
        CLAIMS,
    )
    ann = row(made, Participant, external_id="P1")
    assert (ann.display_name, ann.school) == ("Anna Lee", "North"), "a blank says nothing"
    assert row(made, Location, name="Hall").building == "Annexe"
    assert row(made, EventTimeBlock, external_id="B1").max_capacity == 4
    assert changes.answer["changed"] == len(changes.puts) == 3


def test_what_is_no_longer_in_the_file_stays_and_is_named() -> None:
    made = day()
    before = {record: set(rows) for record, rows in made.state.rows.items()}
    shorter = "".join(line for line in SCHEDULE.splitlines(True) if not line.startswith("B2"))
    fewer = "".join(line for line in CLAIMS.splitlines(True) if not line.startswith(("B2", "B1,1")))
    changes = bring(made, PEOPLE, shorter, fewer)
    assert changes.puts == []
    assert changes.answer["not_in_file"] == {
        "events": {"count": 1, "first": ["Dance"]},
        "event_time_blocks": {"count": 1, "first": ["B2"]},
        "slot_reservations": {"count": 1, "first": ["Ann Lee"]},
    }
    assert {record: set(rows) for record, rows in made.state.rows.items()} == before


def test_a_talk_that_moves_takes_its_slot_claims_and_people_along() -> None:
    made = Day()
    bring(made, talks(talk("A", "10:00", "Ann", "Bo")))
    old = row(made, EventTimeBlock)
    slot, claims = row(made, EventSlot), dict(made.state.rows[SlotReservation])
    changes = bring(made, talks(talk("A", "14:30", "Ann", "Bo", room="Cellar")))
    block, cellar = row(made, EventTimeBlock), row(made, Location, name="Cellar")
    assert (block.id, block.location_id, block.start_time) == (old.id, cellar.id, at(14, 30))
    moved = row(made, EventSlot)
    assert (moved.id, moved.location_id, moved.reserved_count) == (slot.id, cellar.id, 2)
    for id, claim in claims.items():
        now = made.claim(id)
        assert (now.placement_version, now.version) == (claim.placement_version + 1, claim.version + 1)
        assert now.location_id == cellar.id
    assert {member.start_time for member in made.state.rows[ReservationMember].values()} == {at(14, 30)}
    assert len(made.state.rows[EventLocation]) == 2
    assert counts(changes, SlotReservation) == TableCounts(changed=2)
    assert bring(made, talks(talk("A", "14:30", "Ann", "Bo", room="Cellar"))).puts == []
    back = bring(made, talks(talk("A", "10:00", "Ann", "Bo"), talk("A", "14:30", "Ann", "Bo", room="Cellar")))
    assert counts(back, EventTimeBlock) == TableCounts(added=1, unchanged=1), "held twice: the first id is not reused"


def test_an_imported_talk_is_full_with_its_speakers() -> None:
    made = Day()
    bring(made, talks(talk("A", "10:00", "Ann", "Bo"), talk("B", "11:00")))
    by_name = {made.state.rows[Event][slot.event_id].name: slot for slot in made.state.rows[EventSlot].values()}
    assert (by_name["A"].capacity, by_name["A"].reserved_count) == (2, 2)
    assert (by_name["B"].capacity, by_name["B"].reserved_count) == (1, 0)


def test_overlaps_in_the_file_come_in_waived_with_its_words() -> None:
    made = Day()
    said = talks(talk("A", "10:00", "Ann"), talk("B", "10:30", "Ann"), talk("C", "10:15", "Ann", room="Cellar"))
    bring(made, said)
    waivers = {block.key: block.waiver for block in said.blocks}
    assert sum(bool(waiver) for waiver in waivers.values()) == 1
    for block in made.state.rows[EventTimeBlock].values():
        assert (block.waived, block.waived_reason or "") == (
            bool(waivers[block.external_id]),
            waivers[block.external_id],
        )
    reasons = sorted(member.waived_reason or "" for member in made.state.rows[ReservationMember].values())
    assert reasons == sorted(claim.waiver for claim in said.claims)
    assert reasons[0] == ""
    assert all(reason.startswith("so in the file") for reason in reasons[1:])
    assert bring(made, said).puts == []


def test_overlaps_with_what_is_here_come_in_waived_and_doubtful() -> None:
    made = Day()
    ann = made.person("Ann", external_id="Ann")
    hall = made.create("location", name="Hall")
    made.reserve(made.slots(3, room=hall, start=at(10))[1], ann)
    changes = bring(made, talks(talk("A", "10:00", "Ann")))
    assert sorted(codes(changes)) == ["person_overlap", "room_overlap"]
    block = row(made, EventTimeBlock, external_id="A Hall 2026-05-02T10:00Z")
    assert block.waived
    assert "Piano solo" in (block.waived_reason or "")
    member = row(made, ReservationMember, waived=True)
    assert "also in “Piano solo”" in (member.waived_reason or "")
    assert "Ann" not in (member.waived_reason or ""), "the row says who, and may have to forget it"
    assert bring(made, talks(talk("A", "10:00", "Ann"))).puts == []
    bring(made, talks(talk("A", "15:00", "Ann")))
    assert not any(row.waived for row in made.state.rows[EventTimeBlock].values()), "what no longer overlaps is bound"
    assert not any(row.waived for row in made.state.rows[ReservationMember].values())


def test_what_staff_did_stays() -> None:
    made = day()
    ann, bo = (row(made, Participant, external_id=id) for id in ("P1", "P2"))
    first, second = (row(made, SlotReservation, participant_id=person.id) for person in (ann, bo))
    fourth = row(made, EventSlot, time_block_id=first.time_block_id, slot_number=4)
    applied(made.do("reservation.move", {"reservation_id": first.id, "slot_id": fourth.id}))
    applied(made.do("reservation.cancel", {"reservation_id": second.id}))
    changes = bring(made, PEOPLE, SCHEDULE, CLAIMS)
    assert changes.puts == []
    assert codes(changes) == ["cancelled_here"]
    changes = bring(made, PEOPLE, SCHEDULE, CLAIMS.replace("B1,1,P1", "B1,3,P1"))
    assert "moved_here" in codes(changes)
    assert made.claim(first.id).slot_id == fourth.id


def test_a_claim_that_the_file_moves_moves() -> None:
    made = day()
    ann = row(made, Participant, external_id="P1")
    claim = row(made, SlotReservation, participant_id=ann.id)
    changes = bring(made, PEOPLE, SCHEDULE, CLAIMS.replace("B1,1,P1", "B1,4,P1"))
    now = made.claim(claim.id)
    assert made.state.rows[EventSlot][now.slot_id].slot_number == 4
    assert (now.placement_version, now.version) == (2, 2)
    assert row(made, ReservationMember, participant_id=ann.id).start_time == at(9, 45)
    assert counts(changes, SlotReservation) == TableCounts(changed=1, unchanged=3)
    assert bring(made, PEOPLE, SCHEDULE, CLAIMS.replace("B1,1,P1", "B1,4,P1")).puts == []


def test_whoever_joins_a_group_joins_its_claim_if_there_is_room() -> None:
    made = day()
    team = row(made, SlotReservation, group_id=row(made, Group).id)
    three = PEOPLE + "P4,Di,Gray,South,Duo,\n"
    bring(made, three, SCHEDULE, CLAIMS)
    assert (made.claim(team.id).spots, made.claim(team.id).version) == (3, 2)
    six = three + "P5,Eve,Hill,South,Duo,\nP6,Flo,Ives,South,Duo,\n"
    full = bring(made, six, SCHEDULE.replace("30,4", "30,8"), CLAIMS)
    assert made.claim(team.id).spots == 5
    assert codes(full) == []
    seven = six + "P7,Gus,Jay,South,Duo,\n"
    only_people = bring(made, seven)
    assert made.claim(team.id).spots == 5, "a list of people says nothing of claims"
    assert counts(only_people, Participant).added == 1


def test_a_speaker_who_is_replaced_keeps_the_place_until_somebody_cancels_it() -> None:
    made = Day()
    bring(made, talks(talk("A", "10:00", "Ann")))
    changes = bring(made, talks(talk("A", "10:00", "Bo")))
    assert codes(changes) == ["capacity_raised"]
    assert changes.answer["not_in_file"]["slot_reservations"] == {"count": 1, "first": ["Ann"]}
    slot = row(made, EventSlot)
    assert (slot.capacity, slot.reserved_count, slot.overbooked_count) == (2, 2, 0)
    again = bring(made, talks(talk("A", "10:00", "Bo")))
    assert again.puts == []
    assert codes(again) == ["capacity_kept"]


def test_capacities_never_go_below_what_is_reserved_and_full_slots_refuse() -> None:
    made = Day()
    claims = "block,slot,entry\nB1,1,One\nB1,1,Two\n"
    bring(made, SCHEDULE, claims)
    lowered = SCHEDULE.replace("15,2,5", "15,1,1")
    changes = bring(made, lowered)
    assert sorted(codes(changes)) == ["capacity_kept", "capacity_kept"]
    block = row(made, EventTimeBlock, external_id="B1")
    slots = sorted(
        (slot.slot_number, slot.capacity)
        for slot in made.state.rows[EventSlot].values()
        if slot.time_block_id == block.id
    )
    assert slots == [(1, 2), (2, 1), (3, 1), (4, 1)]
    assert block.max_capacity == 2
    changes = bring(made, SCHEDULE, "block,slot,entry\nB1,1,Three\n")
    assert codes(changes) == ["slot_full"]
    assert counts(changes, SlotReservation) == TableCounts(refused=1)


def test_free_slots_are_cut_anew_and_claimed_ones_stay() -> None:
    made = Day()
    bring(made, SCHEDULE)
    bring(made, SCHEDULE.replace("15,2,5", "20,2,5"))
    assert sum(not slot.deleted for slot in made.state.rows[EventSlot].values()) == 3 + 2
    bring(made, SCHEDULE, CLAIMS.replace("person_id,group", "x,y").replace("P1,", ",").replace("P2,", ","))
    claimed = bring(made, SCHEDULE.replace("15,2,5", "30,2,5"))
    assert codes(claimed) == ["cut_otherwise"]
    shifted = bring(made, SCHEDULE.replace("09:00,10:00,15", "11:00,11:30,15"))
    assert codes(shifted) == ["slot_kept", "block_moved"]
    numbers = {
        slot.slot_number: slot.start_time
        for slot in made.state.rows[EventSlot].values()
        if not slot.deleted and slot.start_time >= at(11)
    }
    assert numbers == {1: at(11), 2: at(11, 15), 3: at(11, 30)}


def test_slots_cut_by_staff_come_back_without_a_clash_of_ids() -> None:
    made = Day()
    bring(made, SCHEDULE)
    block = row(made, EventTimeBlock, external_id="B1")
    applied(made.do("block.generate_slots", {"block_id": block.id, "slot_duration_minutes": 30}))
    changes = bring(made, SCHEDULE)
    ids = [put.id for put in changes.puts]
    assert len(ids) == len(set(ids))
    assert sorted(
        slot.slot_number
        for slot in made.state.rows[EventSlot].values()
        if slot.time_block_id == block.id and not slot.deleted
    ) == [1, 2, 3, 4]
    assert bring(made, SCHEDULE).puts == []


def test_people_known_by_id_alone_are_found_here_or_their_claims_refused() -> None:
    made = Day()
    bring(made, PEOPLE)
    changes = bring(made, SCHEDULE, "block,slot,person_id\nB1,1,P1\nB1,2,P9\n")
    assert codes(changes) == ["unknown_person"]
    assert len(made.state.rows[Participant]) == 3
    assert row(made, SlotReservation).participant_id == row(made, Participant, external_id="P1").id


def test_a_name_alone_is_the_one_person_of_that_name() -> None:
    made = Day()
    bring(made, PEOPLE)
    bring(made, SCHEDULE, "block,slot,person\nB1,1,ann  LEE\nB1,2,Zoë Zed\n")
    assert len(made.state.rows[Participant]) == 4
    applied(made.do("participant.create", {"display_name": "Ann Lee"}))
    changes = bring(made, SCHEDULE.replace("B1", "B3").replace("09:", "12:").replace("10:", "13:"),
                    "block,slot,person\nB3,1,Ann Lee\n")  # fmt: skip
    assert "several_ids" in codes(changes)
    assert len(made.state.rows[Participant]) == 6


def test_rooms_made_by_hand_are_the_files_rooms_of_that_name() -> None:
    made = Day()
    hall = made.create("location", name="Hall")
    bring(made, SCHEDULE)
    assert row(made, Location, name="Hall").id == hall
    assert len(made.state.rows[Location]) == 2


def test_somebody_with_a_place_in_the_slot_gets_no_second() -> None:
    made = Day()
    bring(made, PEOPLE, SCHEDULE)
    ann = row(made, Participant, external_id="P1")
    block = row(made, EventTimeBlock, external_id="B1")
    made.reserve(row(made, EventSlot, time_block_id=block.id, slot_number=1), ann.id)
    changes = bring(made, PEOPLE, SCHEDULE, CLAIMS)
    assert codes(changes) == ["twice_in_slot"]


def test_closed_slots_and_full_events_refuse() -> None:
    made = Day()
    event = made.create("event", name="Piano", capacity=1, external_id="Piano")
    changes = bring(made, PEOPLE, SCHEDULE, CLAIMS)
    assert codes(changes) == ["event_full", "event_full"]
    assert made.state.rows[Event][event].reserved_count == 1
    slots = [slot for slot in made.state.rows[EventSlot].values() if slot.event_id != event]
    made.put(*(msgspec.structs.replace(slot, status="closed") for slot in slots))
    changes = bring(made, PEOPLE, SCHEDULE, "block,slot,entry\nB2,1,Solo\n")
    assert codes(changes) == ["slot_closed"]


def test_problems_are_bounded_and_counted() -> None:
    made = Day()
    lines = "".join(f"B1,1,X{number}\n" for number in range(300))
    changes = bring(made, SCHEDULE.replace("15,2,5", "15,999,"), "block,slot,person_id\n" + lines)
    assert len(changes.answer["problems"]) == MOST_PROBLEMS
    assert changes.answer["problem_counts"] == {"notes": 0, "doubtful": 0, "refused": 300}
    assert counts(changes, SlotReservation).refused == 300
    assert len(msgspec.json.encode(changes.answer)) < 50_000


def test_an_unknown_programme_is_refused_and_nobody_but_an_admin_imports() -> None:
    made = Day()
    args = {"document": msgspec.to_builtins(document(PEOPLE))}
    refused(made.do("import.apply", args, programme="00000000-0000-4000-8000-00000000dead"), "NOT_FOUND")
    refused(made.do("import.apply", args, role="room_manager"), "NOT_ALLOWED")


def broken(**parts: Any) -> dict[str, Any]:
    """A document as JSON with some of its lists changed, in the way that each function says."""
    said: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document(PEOPLE, SCHEDULE, CLAIMS)))
    for name, change in parts.items():
        change(said[name])
    return {"document": said}


def test_nonsense_is_refused_whole_with_its_place() -> None:
    made = Day()
    start = at(9)
    cases: list[tuple[str, Any, str]] = [
        ("blocks", lambda rows: rows[1].update(start="2026-05-02T09:00:00"), "blocks[1]"),
        ("blocks", lambda rows: rows[0].update(end=rows[0]["start"]), "ends before"),
        ("blocks", lambda rows: rows[0].update(slot_duration_minutes=0), "slot_duration_minutes"),
        ("blocks", lambda rows: rows[0].update(slot_duration_minutes=-5), "slot_duration_minutes"),
        ("blocks", lambda rows: rows[0].update(end="9999-12-31T23:59:59-14:00"), "1900 and 2200"),
        ("blocks", lambda rows: rows[0].update(slot_duration_minutes=1, end=start + timedelta(days=9)), "slots"),
        ("blocks", lambda rows: rows.append(rows[0]), "bear the key"),
        ("people", lambda rows: rows[0].update(age=2**40), "age"),
        ("people", lambda rows: rows[0].update(key=""), "key is empty"),
        ("people", lambda rows: rows[2].update(display_name="x" * 501), "people[2]"),
        ("people", lambda rows: rows[0].update(display_name="a\0b"), "NUL"),
        ("people", lambda rows: rows[0].update(display_name=7), "display_name"),
        ("events", lambda rows: rows[0].update(tags=["x" * 501]), "tags"),
        ("claims", lambda rows: rows.append(rows[0]), "bear the key"),
    ]
    for name, change, words in cases:
        details = refused(made.do("import.apply", broken(**{name: change})), "INVALID")
        assert words in details["problem"], details


def test_more_rows_than_an_import_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_check, "MOST_ROWS", 100)
    lines = "".join(f"X{number},Name\n" for number in range(101))
    args = {"document": msgspec.to_builtins(document("id,name\n" + lines))}
    assert "101 rows; 100 are the most" in refused(Day().do("import.apply", args), "INVALID")["problem"]


def test_references_to_nothing_are_refused_one_by_one() -> None:
    made = Day()
    changes = applied(
        made.do(
            "import.apply",
            broken(
                blocks=lambda rows: rows[1].update(room="nowhere"),
                people=lambda rows: rows[1].update(group="nobodies"),
                claims=lambda rows: (
                    rows[0].update(people=["P0"])
                    or rows[1].update(slot=99)
                    or rows[3].update(name="", people=[], group=None)
                ),
            ),
        )
    )
    hold(made)
    assert sorted(codes(changes)) == ["no_block", "no_group", "no_room", "no_slot", "nobody", "unknown_person"]
    assert not made.state.rows[SlotReservation]


def test_waivers_that_a_file_forgot_are_added() -> None:
    made = Day()
    said = talks(talk("A", "10:00", "Ann"), talk("B", "10:30", "Ann"))
    bare = msgspec.structs.replace(
        said,
        blocks=tuple(msgspec.structs.replace(block, waiver="") for block in said.blocks),
        claims=tuple(msgspec.structs.replace(claim, waiver="") for claim in said.claims),
    )
    changes = bring(made, bare)
    assert sorted(codes(changes)) == ["person_overlap", "room_overlap"]
    assert applied(attempt(made, bare)).puts == []

"""``import.apply`` and its blocks: which are the same, moved, which are others, what they take, what stays in them."""

from __future__ import annotations

import pytest
from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Participant, ReservationMember
from server_sync.rules.import_report import TableCounts
from server_sync.rules.state import SLOTS_OF_BLOCK, Changes
from tests.unit.day import Day, applied, at, refused
from tests.unit.files import attempt, bring, codes, counts, document, row, talk, talks

NAMED = "block,event,room,date,start,end,slot_minutes,slot_capacity,capacity,slot,person\n"
BARE = "event,room,date,start,end,slot_minutes,slot,person\n"


def blocks(made: Day) -> list[EventTimeBlock]:
    """The blocks that are there, by time."""
    there = (block for block in made.state.rows[EventTimeBlock].values() if not block.deleted)
    return sorted(there, key=lambda block: block.start_time)


def slots(made: Day, block: EventTimeBlock) -> list[EventSlot]:
    """The slots of a block, by time."""
    return sorted(made.state.find(SLOTS_OF_BLOCK, block.id), key=lambda slot: slot.start_time)


def person(made: Day, name: str) -> Id:
    """The id of the one person of that name."""
    id: Id = row(made, Participant, display_name=name).id
    return id


def times_of(made: Day, name: str) -> list[int]:
    """At which hours of which days (24 a day, from the first on) somebody is anywhere."""
    members = (m for m in made.state.rows[ReservationMember].values() if m.participant_id == person(made, name))
    return sorted(24 * (member.start_time.day - 2) + member.start_time.hour for member in members if member.live)


# ------------------------------------------------------------ the same, or another


def test_a_block_that_the_file_names_is_never_taken_for_another() -> None:
    made = Day()
    bring(made, NAMED + "B1,Piano,Hall,2026-05-02,09:00,10:00,,1,,1,Ann\n")
    changes = bring(made, NAMED + "B2,Piano,Gym,2026-05-03,14:00,15:00,,1,,1,Bo\n")
    assert [(block.external_id, block.start_time.day) for block in blocks(made)] == [("B1", 2), ("B2", 3)]
    assert (times_of(made, "Ann"), times_of(made, "Bo")) == ([9], [24 + 14])
    assert changes.answer["not_in_file"]["event_time_blocks"] == {"count": 1, "first": ["B1"]}
    assert codes(changes) == []


@pytest.mark.parametrize("sunday", ["Ann", "Bo", ""])
def test_another_days_file_leaves_the_first_days_blocks(sunday: str) -> None:
    made = Day()
    saturday = BARE + "Piano,Hall,2026-05-02,09:00,10:00,30,1,Ann\n"
    bring(made, saturday)
    by_hand = made.reserve(slots(made, blocks(made)[0])[1], made.person("By hand"))
    changes = bring(made, BARE + f"Piano,Hall,2026-05-03,09:00,10:00,30,1,{sunday}\n")
    assert [block.start_time.day for block in blocks(made)] == [2, 3]
    assert 9 in times_of(made, "Ann")
    assert made.slot(slots(made, blocks(made)[0])[1]).id == made.claim(by_hand).slot_id
    assert changes.answer["not_in_file"]["event_time_blocks"]["count"] == 1
    assert codes(changes) == []
    assert bring(made, saturday).puts == []


def test_another_rooms_file_of_the_same_day_leaves_the_first_rooms_blocks() -> None:
    made = Day()
    bring(made, BARE + "Piano,Hall,2026-05-02,09:00,10:00,30,,\n")
    changes = bring(made, BARE + "Piano,Gym,2026-05-02,14:00,15:00,30,,\n")
    assert counts(changes, EventTimeBlock) == TableCounts(added=1)
    assert [block.start_time for block in blocks(made)] == [at(9), at(14)]


def test_a_block_with_other_people_in_it_is_another() -> None:
    made = Day()
    bring(made, BARE + "Piano,Hall,2026-05-02,09:00,10:00,30,1,Ann\n")
    bring(made, BARE + "Piano,Hall,2026-05-02,14:00,15:00,30,1,Bo\n")
    assert (times_of(made, "Ann"), times_of(made, "Bo")) == ([9], [14])


def test_of_more_blocks_than_were_there_the_one_with_the_same_people_moved() -> None:
    made = Day()
    bring(made, BARE + "Piano,Hall,2026-05-02,09:00,10:00,30,1,Ann\n")
    bring(made, BARE + "Piano,Hall,2026-05-02,08:00,08:30,30,1,Bo\nPiano,Hall,2026-05-02,16:00,17:00,30,1,Ann\n")
    assert (times_of(made, "Ann"), times_of(made, "Bo")) == ([16], [8])
    assert len(blocks(made)) == 2


def test_who_has_no_name_is_nobodys_double() -> None:
    """A claim that bears no name of its own, and one that the file leaves unnamed, say nothing of each other."""
    made = Day()
    bring(made, BARE + "Piano,Hall,2026-05-02,09:00,10:00,30,,\nPiano,Hall,2026-05-02,10:00,11:00,30,,\n")
    (first, _) = blocks(made)
    made.now = at(8)
    taken = made.reserve(slots(made, first)[0], made.person("By hand"))
    moved = document(BARE + "Piano,Hall,2026-05-02,16:00,17:00,30,1,Ann\n")
    unnamed = tuple(structs.replace(claim, people=(), group="unknown", name="") for claim in moved.claims)
    changes = attempt(made, structs.replace(moved, claims=unnamed))
    assert isinstance(changes, Changes), changes
    assert made.claim(taken).placement_version == 1
    assert [block.start_time for block in blocks(made)] == [at(9), at(10), at(16)]


def test_blocks_of_a_whole_programme_that_moved_are_the_same_ones() -> None:
    made = Day()
    lines = "Piano,Hall,2026-05-02,{},30,,\nPiano,Hall,2026-05-03,{},30,,\n"
    bring(made, BARE + lines.format("09:00,10:00", "09:00,10:00"))
    before = [block.id for block in blocks(made)]
    claim = made.reserve(slots(made, blocks(made)[0])[0], made.person("Ann"))
    changes = bring(made, BARE + lines.format("11:00,12:00", "15:00,16:00"))
    assert [block.id for block in blocks(made)] == before
    assert times_of(made, "Ann") == [11]
    assert made.claim(claim).placement_version == 2
    (problem,) = changes.answer["problems"]
    assert (problem["severity"], problem["code"]) == ("doubtful", "block_moved")
    assert "from Hall, 02 May 09:00 to Hall, 02 May 11:00" in problem["reason"]
    assert "1 reserved places" in problem["reason"]


def test_the_readers_say_whose_word_a_blocks_key_is() -> None:
    named, bare = (
        document(NAMED + "B1,Piano,Hall,2026-05-02,09:00,10:00,,1,,,\n"),
        document(BARE + "Piano,Hall,2026-05-02,09:00,10:00,30,,\n"),
    )
    assert [block.generated for said in (named, bare, talks(talk("A", "10:00"))) for block in said.blocks] == [
        False, True, True,
    ]  # fmt: skip


def test_a_named_block_that_moves_with_people_in_it_is_shown() -> None:
    made = Day()
    line = NAMED + "B1,Piano,Hall,2026-05-02,09:00,10:00,,1,,1,Ann\n"
    bring(made, line)
    assert codes(bring(made, line.replace("Hall", "Gym"))) == ["block_moved"]
    assert codes(bring(made, line.replace("Hall", "Gym"))) == []
    assert codes(bring(made, line.replace("Hall", "Gym").replace("10:00", "10:30"))) == [], "it only grew"


# ----------------------------------------------------------------- another event


def test_an_empty_block_of_another_event_makes_way() -> None:
    made = Day()
    line = NAMED + "B1,Pinao,Hall,2026-05-02,09:00,10:00,30,1,,,\n"
    bring(made, line)
    (old,) = blocks(made)
    changes = bring(made, line.replace("Pinao", "Piano"))
    (new,) = blocks(made)
    assert new.id != old.id
    assert made.state.rows[Event][new.event_id].name == "Piano"
    assert [slot.event_id for slot in slots(made, new)] == [new.event_id] * 2
    assert slots(made, old) == [], "its slots left with it"
    assert codes(changes) == []
    assert "event_time_blocks" not in changes.answer["not_in_file"]
    assert not any(block.waived for block in blocks(made)), "it does not meet the one that left"
    assert bring(made, line.replace("Pinao", "Piano")).puts == []


def test_a_claimed_block_of_another_event_stays() -> None:
    made = Day()
    line = NAMED + "B1,Pinao,Hall,2026-05-02,09:00,10:00,30,1,,1,Ann\n"
    bring(made, line)
    (old,) = blocks(made)
    assert codes(bring(made, line.replace("Pinao", "Piano"))) == ["other_event"]
    assert [(block.id, block.event_id) for block in blocks(made)] == [(old.id, old.event_id)]


# ------------------------------------------------------------------- its limits


def limited(limit: str, *claims: str) -> str:
    """A block of four slots of two with a limit, and who is in it."""
    return NAMED + f"B1,Piano,Hall,2026-05-02,09:00,10:00,15,2,{limit},,\n" + "".join(
        f"B1,,,,,,,,,{claim}\n" for claim in claims
    )  # fmt: skip


def test_a_limit_that_a_file_sets_counts_who_is_in_the_block() -> None:
    made = Day()
    made.now = at(8)
    bring(made, limited("", "1,Ann", "1,Bo"))
    bring(made, limited("3", "1,Ann", "1,Bo", "2,Cy"))
    (block,) = blocks(made)
    assert (block.max_capacity, block.reserved_count) == (3, 3)
    full = made.do("reservation.reserve", {"slot_id": slots(made, block)[3].id, "reserved_name": "Di"})
    assert refused(full, "BLOCK_FULL")["reserved"] == 3


def test_a_limit_is_set_no_lower_than_what_is_reserved() -> None:
    made = Day()
    bring(made, limited("", "1,Ann", "1,Bo"))
    assert codes(bring(made, limited("1", "1,Ann", "1,Bo"))) == ["capacity_kept"]
    (block,) = blocks(made)
    assert (block.max_capacity, block.reserved_count, block.overbooked_count) == (2, 2, 0)


def test_the_same_file_leaves_a_block_overbooked_that_staff_overbooked() -> None:
    made = Day()
    bring(made, limited("1", "1,Ann"))
    (block,) = blocks(made)
    over = {"slot_id": slots(made, block)[1].id, "reserved_name": "Bo", "override_reason": "the last one"}
    applied(made.do("reservation.override", over))
    assert bring(made, limited("1", "1,Ann")).puts == []
    (block,) = blocks(made)
    assert (block.max_capacity, block.overbooked_count) == (1, 1)
    bring(made, limited("5", "1,Ann"))
    (block,) = blocks(made)
    assert (block.max_capacity, block.reserved_count, block.overbooked_count) == (5, 2, 0)


def test_a_slot_that_grows_is_overbooked_no_more() -> None:
    made = Day()
    bring(made, limited("", "1,Ann").replace(",15,2,", ",15,1,"))
    slot = slots(made, blocks(made)[0])[0]
    over = {"slot_id": slot.id, "reserved_name": "Bo", "override_reason": "the last one"}
    applied(made.do("reservation.override", over))
    assert made.slot(slot).overbooked_count == 1
    bring(made, limited("", "1,Ann"))
    assert (made.slot(slot).capacity, made.slot(slot).overbooked_count) == (2, 0)


def test_a_talk_that_grows_for_its_speakers_is_overbooked_no_more() -> None:
    made = Day()
    bring(made, talks(talk("A", "10:00", "Ann")))
    slot = slots(made, blocks(made)[0])[0]
    over = {"slot_id": slot.id, "reserved_name": "Guest", "override_reason": "the last one"}
    applied(made.do("reservation.override", over))
    bring(made, talks(talk("A", "10:00", "Ann", "Bo")))
    assert (made.slot(slot).capacity, made.slot(slot).reserved_count, made.slot(slot).overbooked_count) == (3, 3, 0)


def test_a_slot_keeps_no_places_for_whom_the_file_moves_out_of_it() -> None:
    made = Day()
    bring(made, limited("", "1,Ann", "1,Bo"))
    smaller = limited("", "1,Ann", "2,Bo").replace(",15,2,", ",15,1,")
    assert codes(bring(made, smaller)) == []
    assert [slot.capacity for slot in slots(made, blocks(made)[0])] == [1, 1, 1, 1]
    assert bring(made, smaller).puts == []


# --------------------------------------------------------- cancelled, cut, and kept


def test_a_block_that_was_cancelled_stays_as_it_is() -> None:
    made = Day()
    bring(made, limited("", "1,Ann"))
    (block,) = blocks(made)
    applied(made.do("block.cancel", {"block_id": block.id, "reason": "no judge"}))
    before = [slot.id for slot in slots(made, block)]
    changes = bring(made, limited("", "1,Ann", "2,Bo").replace("10:00", "11:00").replace("Hall", "Gym"))
    (cancelled,) = blocks(made)
    assert (cancelled.status, cancelled.end_time) == ("cancelled", at(10))
    assert [(slot.id, slot.status) for slot in slots(made, cancelled)] == [(id, "cancelled") for id in before]
    assert codes(changes) == ["cancelled_here", "cancelled_here", "slot_closed"]


def test_a_block_ends_no_sooner_than_the_slots_that_stay_in_it() -> None:
    made = Day()
    bring(made, limited("", "4,Ann"))
    shorter = limited("", "1,Bo").replace("10:00", "09:30").replace("09:00", "09:00")
    assert codes(bring(made, shorter)) == ["slot_kept"]
    (block,) = blocks(made)
    assert block.end_time == at(10)
    assert [(slot.slot_number, slot.start_time) for slot in slots(made, block)] == [
        (1, at(9)), (2, at(9, 15)), (4, at(9, 45)),
    ]  # fmt: skip
    assert bring(made, shorter).puts == []
    other = NAMED + "B2,Dance,Hall,2026-05-02,09:45,10:30,,1,,,\n"
    assert codes(bring(made, other)) == ["room_overlap"], "the room is taken that long"


def test_a_slot_that_staff_cut_otherwise_keeps_its_time() -> None:
    """Another cut by staff, and the old duration written back: the block looks as the file has it, its slots do not."""
    made = Day()
    bring(made, limited(""))
    (block,) = blocks(made)
    applied(made.do("block.generate_slots", {"block_id": block.id, "slot_duration_minutes": 20}))
    made.now = at(8)
    made.reserve(slots(made, block)[1], made.person("Ann"))
    applied(made.do("block.update", {"block_id": block.id, "slot_duration_minutes": 15}))
    assert codes(bring(made, limited(""))) == ["cut_otherwise"]
    assert [member.start_time for member in made.state.rows[ReservationMember].values()] == [at(9, 20)]


def test_a_slot_that_becomes_the_whole_block_is_cut_so_at_once() -> None:
    made = Day()
    bring(made, NAMED + "B1,Piano,Hall,2026-05-02,09:00,09:30,15,1,,1,Ann\n")
    whole = NAMED + "B1,Piano,Hall,2026-05-02,09:00,09:15,,2,,,\n"
    assert codes(bring(made, whole)) == []
    (block,) = blocks(made)
    assert [(slot.start_time, slot.end_time, slot.capacity) for slot in slots(made, block)] == [(at(9), at(9, 15), 2)]
    assert bring(made, whole).puts == []

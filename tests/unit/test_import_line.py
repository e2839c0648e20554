"""``import.apply`` where people wait in line and where places are seats: who gets what a file frees, adds or fills."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import (
    Event,
    EventLocation,
    EventSlot,
    EventTimeBlock,
    Location,
    Participant,
    ReservationMember,
    SlotReservation,
    SlotSeat,
)
from server_sync.rules.import_report import TableCounts
from server_sync.rules.state import SEATS_OF_SLOT
from tests.unit.day import Day, applied, at, reservation_id
from tests.unit.files import attempt, bring, codes, counts, row, talk, talks

PEOPLE = """id,first_name,last_name,group
P1,Ann,Lee,
P2,Bo,Ek,Duo
P3,Cy,Fox,Duo
"""
SCHEDULE = """block,event,category,type,room,date,start,end,slot_minutes,slot_capacity,capacity
B1,Piano,music,individual,Hall,2026-05-02,09:00,10:00,15,{places},{limit}
"""
CLAIMS = "block,slot,person_id,group\n"


def schedule(places: int = 1, limit: int | str = "") -> str:
    """One block of four slots."""
    return SCHEDULE.format(places=places, limit=limit)


def day(places: int = 1, limit: int | str = "", *claims: str, order: str = "strict") -> Day:
    """A programme that has the block, with a line for its event, on its morning."""
    made = Day()
    made.now = at(6)  # before its slots, which are given to nobody once they are over
    made.now = at(8)
    bring(made, PEOPLE, schedule(places, limit), CLAIMS + "".join(f"{claim}\n" for claim in claims))
    event = row(made, Event).id
    applied(made.do("event.update", {"event_id": event, "waitlist_enabled": True, "waitlist_order": order}))
    return made


def slot(made: Day, number: int = 1) -> EventSlot:
    """A slot of the block."""
    found = row(made, EventSlot, slot_number=number)
    assert isinstance(found, EventSlot)
    return found


def wait(made: Day, *people: Id, number: int = 1, **args: Any) -> Id:
    """Somebody who waits for a slot, a second after whoever came before."""
    made.now += timedelta(seconds=1)
    if "any_slot" in args:
        asked = {"event_id": row(made, Event).id, "participant_ids": people, "on_full": "waitlist", **args}
        claim = reservation_id(made.do("reservation.reserve", asked))
    else:
        claim = made.reserve(slot(made, number), *people, on_full="waitlist", **args)
    assert made.claim(claim).claim == "waitlisted"
    return claim


def same_again(made: Day, *files: str) -> None:
    """Nothing is left to do for the same files."""
    assert bring(made, *files).puts == []


# ------------------------------------------------------------------- the line


def test_whoever_waits_gets_the_places_that_a_file_adds_in_order() -> None:
    made = day(1, "", "B1,1,P1,")
    first, second, third = (wait(made, made.person(name)) for name in ("Xia", "Yves", "Zoë"))
    changes = bring(made, schedule(3))
    assert changes.answer["promoted"] == [first, second]
    assert [made.claim(id).claim for id in (first, second, third)] == ["reserved", "reserved", "waitlisted"]
    assert (slot(made).capacity, slot(made).reserved_count) == (3, 3)
    member = row(made, ReservationMember, reservation_id=first)
    assert (member.live, member.waiting) == (True, None)
    assert counts(changes, SlotReservation) == TableCounts(), "the file says nothing of claims"
    same_again(made, schedule(3))


def test_who_waits_for_another_slot_of_a_limited_block_gets_its_new_places() -> None:
    made = day(2, 1, "B1,1,P1,")
    waiter = wait(made, made.person("Xia"), number=3)
    changes = bring(made, schedule(2, 2))
    assert changes.answer["promoted"] == [waiter]
    assert made.claim(waiter).slot_id == slot(made, 3).id
    assert row(made, EventTimeBlock).reserved_count == 2


def test_what_a_moved_claim_leaves_goes_to_whoever_waits() -> None:
    made = day(1, "", "B1,1,P1,")
    waiter = wait(made, made.person("Xia"))
    changes = bring(made, PEOPLE, schedule(1), CLAIMS + "B1,4,P1,\n")
    assert changes.answer["promoted"] == [waiter]
    assert (slot(made, 1).reserved_count, slot(made, 4).reserved_count) == (1, 1)
    assert codes(changes) == []
    same_again(made, PEOPLE, schedule(1), CLAIMS + "B1,4,P1,\n")


def test_who_waits_for_any_slot_gets_one_that_the_file_brings() -> None:
    made = day(1, "", "B1,1,P1,", "B1,2,P2,", "B1,3,P3,")
    made.reserve(slot(made, 4), made.person("Vera"))
    waiter = wait(made, made.person("Xia"), number=1)
    anywhere = wait(made, made.person("Yves"), any_slot=True)
    longer = schedule().replace("10:00", "10:15")
    changes = bring(made, longer)
    assert changes.answer["promoted"] == [anywhere]
    assert made.claim(anywhere).slot_id == slot(made, 5).id
    assert made.claim(waiter).claim == "waitlisted"


def test_who_was_elsewhere_gets_the_place_once_the_slot_moved_to_another_time() -> None:
    made = day(2)
    busy = made.person("Xia")
    filled = [made.reserve(slot(made), made.person(name)) for name in ("Vera", "Will")]
    waiter = wait(made, busy)
    made.reserve(made.slots(start=at(9))[0], busy)
    applied(made.do("reservation.cancel", {"reservation_id": filled[0]}))
    assert made.claim(waiter).claim == "waitlisted"
    changes = bring(made, schedule(2).replace("09:00,10:00", "14:00,15:00"))
    assert changes.answer["promoted"] == [waiter]
    assert row(made, ReservationMember, reservation_id=waiter).start_time == at(14)


def test_who_was_elsewhere_gets_the_place_once_that_moved_to_another_time() -> None:
    made = day(2)
    filled = [made.reserve(slot(made), made.person(name)) for name in ("Vera", "Will")]
    waiter = wait(made, row(made, Participant, external_id="P1").id)
    dance = "block,event,room,date,start,end,slot,person_id\nD1,Dance,Gym,2026-05-02,{},1,P1\n"
    bring(made, PEOPLE, dance.format("09:00,10:00"))
    applied(made.do("reservation.cancel", {"reservation_id": filled[0]}))
    assert made.claim(waiter).claim == "waitlisted"
    changes = bring(made, PEOPLE, dance.format("11:00,12:00"))
    assert changes.answer["promoted"] == [waiter], "though nobody waits for what moved"


def test_a_limit_that_a_party_in_front_never_fits_lets_the_next_one_in() -> None:
    made = day(2, 3, "B1,1,,Duo")
    wait(made, made.person("Xia"), guests=1, number=2)
    last = wait(made, made.person("Zoë"), number=2)
    assert bring(made, schedule(1, 3)).answer["promoted"] == [last]


def test_a_party_too_big_for_what_the_file_adds_is_passed_in_best_fit_alone() -> None:
    for order, promoted in (("strict", False), ("best_fit", True)):
        made = day(2, "", "B1,1,,Duo", order=order)
        wait(made, made.person("Xia"), guests=1)
        last = wait(made, made.person("Zoë"))
        assert bring(made, schedule(3)).answer.get("promoted", []) == ([last] if promoted else []), order


def test_the_files_own_claims_come_before_the_line_and_it_says_so() -> None:
    made = day(1, "", "B1,1,P1,")
    first, second = (wait(made, made.person(name)) for name in ("Xia", "Yves"))
    changes = bring(made, PEOPLE, schedule(3), CLAIMS + "B1,1,P1,\nB1,1,P2,\n")
    assert changes.answer["promoted"] == [first]
    assert made.claim(second).claim == "waitlisted"
    assert row(made, SlotReservation, participant_id=row(made, Participant, external_id="P2").id).claim == "reserved"
    (problem,) = changes.answer["problems"]
    assert (problem["severity"], problem["code"]) == ("doubtful", "line_ahead")
    assert problem["reason"].startswith("1 waited here before it")
    same_again(made, PEOPLE, schedule(3), CLAIMS + "B1,1,P1,\nB1,1,P2,\n")


def test_nobody_is_said_to_be_passed_if_all_who_waited_come_in() -> None:
    made = day(1, "", "B1,1,P1,")
    wait(made, made.person("Xia"))
    changes = bring(made, PEOPLE, schedule(3), CLAIMS + "B1,1,P2,\n")
    assert len(changes.answer["promoted"]) == 1
    assert codes(changes) == []


def test_a_group_that_grows_before_a_line_says_so() -> None:
    made = day(3, "", "B1,1,,Duo")
    wait(made, made.person("Xia"), guests=1)
    changes = bring(made, PEOPLE + "P4,Di,Gray,Duo\n", schedule(3), CLAIMS + "B1,1,,Duo\n")
    assert codes(changes) == ["line_ahead"]
    assert slot(made).reserved_count == 3


def test_somebody_who_waits_for_the_slot_is_not_put_beside_it_twice() -> None:
    made = day(1, "", "B1,1,P1,")
    bo = row(made, Participant, external_id="P2").id
    waiter = wait(made, bo)
    changes = bring(made, PEOPLE, schedule(2), CLAIMS + "B1,1,P2,\n")
    assert codes(changes) == ["waits_here"]
    assert changes.answer["promoted"] == [waiter], "the place comes by the line"
    assert slot(made).reserved_count == 2


def test_lines_are_left_alone_where_nothing_came_free() -> None:
    made = day(1, "", "B1,1,P1,")
    waiter = wait(made, made.person("Xia"))
    changes = bring(made, PEOPLE.replace("Ann", "Anna"), schedule(1).replace("Hall", "Gym"))
    assert "promoted" not in changes.answer
    assert made.claim(waiter).location_id == row(made, Location, name="Gym").id, "it follows its slot"


@pytest.mark.parametrize("keeps", [False, True])
def test_only_events_that_keep_a_line_are_rehearsed(keeps: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nobody waits: somebody may join while the file is brought in."""
    made = day(1, "", "B1,1,P1,")
    if not keeps:
        applied(made.do("event.update", {"event_id": row(made, Event).id, "waitlist_enabled": False}))
    served: list[Any] = []

    def note(*args: Any) -> list[Id]:
        served.append(args)
        return []

    monkeypatch.setattr("server_sync.rules.import_line.serve", note)
    applied(attempt(made, schedule(2)))
    assert bool(served) is keeps


# ------------------------------------------------------------------ the seats


def seated(seats: int = 6, number: int = 1, places: int = 2) -> Day:
    """A block of which one slot's places are its room's seats."""
    made = day(places)
    where = slot(made, number)
    said = [{"row": "A", "number": place} for place in range(1, seats + 1)]
    applied(made.do("seats.create", {"location_id": where.location_id, "seats": said}))
    applied(made.do("slot.open_seats", {"slot_id": where.id}))
    assert slot(made, number).capacity == seats
    return made


def booked(made: Day, claim: Id) -> int:
    """How many seats a claim has."""
    return sum(seat.state == "booked" and seat.reservation_id == claim for seat in made.state.rows[SlotSeat].values())


def claim_of(made: Day, **who: Any) -> Id:
    """The claim of a person (by ``external_id``) or of the group."""
    if not who:
        who = {"group_id": row(made, Participant, external_id="P2").group_id}
    else:
        who = {"participant_id": row(made, Participant, **who).id}
    id: Id = row(made, SlotReservation, **who).id
    return id


def test_a_files_claims_take_seats_together() -> None:
    made = seated(3)
    changes = bring(made, PEOPLE, schedule(3), CLAIMS + "B1,1,,Duo\nB1,1,P1,\nB1,2,,Duo\n")
    assert codes(changes) == []
    seats = made.state.find(SEATS_OF_SLOT, slot(made).id)
    assert [seat.state for seat in seats] == ["booked"] * 3
    assert booked(made, claim_of(made, external_id="P1")) == 1
    assert slot(made).reserved_count == 3
    same_again(made, PEOPLE, schedule(3), CLAIMS + "B1,1,,Duo\nB1,1,P1,\nB1,2,,Duo\n")


def test_claims_are_refused_where_the_seats_are_fewer() -> None:
    made = seated(2)
    changes = bring(made, PEOPLE, schedule(3), CLAIMS + "B1,1,P1,\nB1,1,,Duo\n")
    assert codes(changes) == ["seated", "slot_full"]
    seat = next(seat for seat in made.state.find(SEATS_OF_SLOT, slot(made).id) if seat.state == "available")
    made.put(
        structs.replace(seat, deleted=True)
    )  # a place without a seat, as seats that were retired after the slot's end leave
    changes = bring(made, PEOPLE, schedule(2), CLAIMS + "B1,1,P1,\nB1,1,P2,\n")
    assert codes(changes) == ["no_seats"]
    assert slot(made).reserved_count == 1
    assert counts(changes, SlotReservation).refused == 1


def test_the_capacity_of_seats_is_not_the_files() -> None:
    made = seated(6)
    changes = bring(made, schedule(9))
    assert codes(changes) == ["seated"]
    assert [slot(made, number).capacity for number in (1, 2, 3, 4)] == [6, 9, 9, 9]
    assert codes(bring(made, schedule(6))) == [], "the file knows of the seats"


def test_a_block_with_seats_stays_in_its_room_and_moves_in_time() -> None:
    made = seated(2)
    hall = slot(made).location_id
    bring(made, PEOPLE, schedule(2), CLAIMS + "B1,1,P1,\n")
    changes = bring(made, schedule(2).replace("Hall", "Gym").replace("09:00,10:00", "14:00,15:00"))
    assert codes(changes) == ["seated_room", "block_moved"]
    assert {slot(made, number).location_id for number in (1, 2, 3, 4)} == {hall}
    assert row(made, EventTimeBlock).location_id == hall
    assert slot(made).start_time == at(14)
    assert booked(made, claim_of(made, external_id="P1")) == 1
    assert [use.location_id for use in made.state.rows[EventLocation].values()] == [hall], "it does not use the other"


def test_slots_with_seats_are_not_cut_away() -> None:
    made = seated(2, number=4)
    where = slot(made, 4).id
    changes = bring(made, schedule(2).replace("10:00", "09:30"))
    assert codes(changes) == ["slot_kept"]
    assert not made.state.rows[EventSlot][where].deleted
    changes = bring(made, schedule(2).replace(",15,", ",20,"))
    assert codes(changes) == ["cut_otherwise"]
    assert not made.state.rows[EventSlot][where].deleted


def test_a_claim_that_the_file_moves_gives_its_seats_back_and_takes_others() -> None:
    made = seated(1)
    bring(made, PEOPLE, schedule(1), CLAIMS + "B1,1,P1,\n")
    assert booked(made, claim_of(made, external_id="P1")) == 1
    waiter = wait(made, made.person("Xia"))
    changes = bring(made, PEOPLE, schedule(1), CLAIMS + "B1,2,P1,\n")
    assert booked(made, claim_of(made, external_id="P1")) == 0
    assert changes.answer["promoted"] == [waiter]
    assert booked(made, waiter) == 1, "who is promoted has a seat"
    applied(made.do("reservation.cancel", {"reservation_id": waiter}))
    bring(made, PEOPLE, schedule(1), CLAIMS + "B1,1,P1,\n")
    assert booked(made, claim_of(made, external_id="P1")) == 1


def test_whoever_joins_a_group_has_a_seat_too() -> None:
    made = seated(4)
    bring(made, PEOPLE, schedule(4), CLAIMS + "B1,1,,Duo\n")
    assert booked(made, claim_of(made)) == 2
    mine = {s.id for s in made.state.rows[SlotSeat].values() if s.reservation_id}
    bring(made, PEOPLE + "P4,Di,Gray,Duo\n", schedule(4), CLAIMS + "B1,1,,Duo\n")
    assert booked(made, claim_of(made)) == 3
    assert mine < {s.id for s in made.state.rows[SlotSeat].values() if s.reservation_id}, "the others keep theirs"


def test_a_talk_on_seats_does_not_grow_for_its_speakers() -> None:
    made = Day()
    made.now = at(6)  # before its slots, which are given to nobody once they are over
    bring(made, talks(talk("A", "10:00", "Ann")))
    where = row(made, EventSlot)
    applied(made.do("reservation.cancel", {"reservation_id": row(made, SlotReservation).id}))
    applied(made.do("seats.create", {"location_id": where.location_id, "seats": [{"row": "A", "number": 1}]}))
    applied(made.do("slot.open_seats", {"slot_id": where.id}))
    changes = bring(made, talks(talk("A", "10:00", "Bo", "Cy")))
    assert sorted(codes(changes)) == ["seated", "slot_full"]
    assert (made.slot(where).capacity, made.slot(where).reserved_count) == (1, 1)

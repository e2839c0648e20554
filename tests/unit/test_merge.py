"""Two rows that were one person: what becomes of claims, lines, facts and fields."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from server_sync.protocol.errors import ALREADY_RESERVED, DOUBLE_BOOKED, ERASED, NOT_ALLOWED, NOT_FOUND, SAME_PERSON
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Attendance, Participant
from server_sync.rules.attendance import standing, word
from server_sync.rules.state import COMMITMENTS, FACTS, MEMBERS, MERGED_INTO
from server_sync.rules.waiting import place_in_line
from tests.unit.day import NOON, Day, applied, refused, reservation_id
from tests.unit.test_people import join, row, waiting_day


def merge(day: Day, stays: Id, duplicate: Id, **more: Any) -> Any:
    return day.do("participant.merge", {"participant_id": stays, "duplicate_id": duplicate, **more})


def people_of(day: Day, claim: Id) -> list[Id]:
    return [member.participant_id for member in day.state.find(MEMBERS, claim)]


def arrive(day: Day, claim: Id, *people: Id, **how: Any) -> Id:
    id = new_id()
    applied(day.do("attendance.arrive", {"reservation_id": claim, "participant_ids": people}, id=id, **how))
    return id


def test_claims_follow_and_empty_fields_are_filled() -> None:
    day = Day()
    (slot,) = day.slots(capacity=3)
    group = day.create("group", name="Duo")
    stays = day.person("Zoë Quill", school="Hill")
    duplicate = day.person("Zoe Quil", school="St Anne", grade="5", contact="z@example.org", external_id="7", age=9,
                           group_id=group)  # fmt: skip
    claim = day.reserve(slot, duplicate)
    cancelled = day.reserve(day.slots(start=NOON + timedelta(hours=3))[0], duplicate)
    applied(day.do("reservation.cancel", {"reservation_id": cancelled}))
    answer = applied(merge(day, stays, duplicate)).answer
    assert sorted(answer["moved"]) == sorted([claim, cancelled])
    assert people_of(day, claim) == people_of(day, cancelled) == [stays]
    assert day.claim(claim).participant_id == day.claim(cancelled).participant_id == stays
    now = row(day, stays)
    assert (now.display_name, now.school, now.grade, now.age) == ("Zoë Quill", "Hill", "5", 9)
    assert (now.contact, now.external_id, now.group_id) == ("z@example.org", "7", group)
    gone = row(day, duplicate)
    assert (gone.merged_into, gone.external_id, gone.group_id, gone.deleted) == (stays, None, None, None)
    assert day.slot(slot).reserved_count == 1


def test_who_stays_keeps_the_external_id_and_so_does_the_row_that_goes() -> None:
    day = Day()
    stays, duplicate = day.person(external_id="A"), day.person(external_id="B")
    applied(merge(day, stays, duplicate))
    assert (row(day, stays).external_id, row(day, duplicate).external_id) == ("A", "B")


def test_nobody_gives_commands_to_somebody_who_was_merged() -> None:
    day = Day()
    (slot,) = day.slots()
    stays, duplicate, third = day.person("a"), day.person("b"), day.person("c")
    applied(merge(day, stays, duplicate))
    said = {"participant_id": duplicate, "merged_into": stays}
    assert refused(day.do("participant.update", {"participant_id": duplicate, "school": "x"}), NOT_FOUND) == said
    assert refused(day.do("participant.retire", {"participant_id": duplicate}), NOT_FOUND) == said
    assert refused(day.do("participant.erase", {"participant_id": duplicate, "reason": "x"}), NOT_FOUND) == said
    assert refused(merge(day, third, duplicate), NOT_FOUND) == said
    assert refused(merge(day, duplicate, third), NOT_FOUND) == said
    refused(day.do("reservation.reserve", {"slot_id": slot.id, "participant_ids": [duplicate]}), NOT_FOUND)
    applied(merge(day, third, stays))
    assert {person.id for person in day.state.find(MERGED_INTO, third)} == {stays, duplicate}


def test_merges_refused() -> None:
    day = Day()
    one, other = day.person("a"), day.person("b")
    refused(merge(day, one, one), SAME_PERSON)
    refused(merge(day, one, new_id()), NOT_FOUND)
    refused(merge(day, new_id(), one), NOT_FOUND)
    refused(day.do("participant.merge", {"participant_id": one, "duplicate_id": other}, role="volunteer"), NOT_ALLOWED)
    applied(day.do("participant.erase", {"participant_id": other, "reason": "asked"}))
    refused(merge(day, one, other), ERASED)


def test_in_one_party_the_second_place_is_given_to_the_line() -> None:
    day, slot = waiting_day(capacity=3)
    stays, duplicate, ann = day.person("Zoë"), day.person("Zoe"), day.person("Ann")
    party, waiting = join(day, slot, stays, duplicate, ann), join(day, slot, day.person("Bea"))
    answer = applied(merge(day, stays, duplicate)).answer
    assert (answer["given_back"], answer["promoted"]) == ([party], [waiting])
    assert sorted(people_of(day, party)) == sorted([stays, ann])
    assert (day.claim(party).spots, day.slot(slot).reserved_count) == (2, 3)


def test_in_one_slot_the_duplicates_own_claim_ends_and_its_facts_count_for_who_stays() -> None:
    day, slot = waiting_day(capacity=2)
    stays, duplicate = day.person("Zoë"), day.person("Zoe")
    mine, his, waiting = join(day, slot, stays), join(day, slot, duplicate), join(day, slot, day.person("Bea"))
    said = arrive(day, his)
    answer = applied(merge(day, stays, duplicate)).answer
    assert (answer["moved"], answer["given_back"], answer["promoted"]) == ([], [his], [waiting])
    assert (day.claim(his).claim, day.claim(mine).claim) == ("cancelled", "reserved")
    facts = day.state.find(FACTS, mine)
    assert [(fact.kind, fact.participant_id, fact.command_id) for fact in facts] == [("arrived", stays, said)]
    assert word(day.claim(mine), [stays], facts) == "checked_in"
    applied(day.do("attendance.undo", {"command_id": said}))
    assert word(day.claim(mine), [stays], day.state.find(FACTS, mine)) == "reserved"


def test_a_place_is_better_than_a_place_in_line() -> None:
    day, slot = waiting_day(capacity=1)
    stays, duplicate = day.person("Zoë"), day.person("Zoe")
    his, mine, behind = join(day, slot, duplicate), join(day, slot, stays), join(day, slot, day.person("Bea"))
    answer = applied(merge(day, stays, duplicate)).answer
    assert (answer["moved"], answer["given_back"]) == ([his], [mine])
    assert (day.claim(his).claim, people_of(day, his)) == ("reserved", [stays])
    assert day.claim(mine).claim == "cancelled"
    assert place_in_line(day.state, day.claim(behind)) == 1


def test_of_two_places_in_line_the_earlier_counts() -> None:
    day, slot = waiting_day(capacity=1)
    stays, duplicate = day.person("Zoë"), day.person("Zoe")
    first = join(day, slot, day.person("Ann"))
    his, between, mine = join(day, slot, duplicate), join(day, slot, day.person("Bea")), join(day, slot, stays)
    applied(merge(day, stays, duplicate))
    assert day.claim(his).claim == "cancelled"
    assert [place_in_line(day.state, day.claim(id)) for id in (mine, between)] == [1, 2]
    assert applied(day.do("reservation.cancel", {"reservation_id": first})).answer["promoted"] == [mine]


def party(day: Day, slot: Any, person: Id, guests: int, *others: Id, **how: Any) -> Id:
    """A claim with guests, in line where the slot is full."""
    args = {"slot_id": slot.id, "participant_ids": [person, *others], "guests": guests, "on_full": "waitlist"}
    return reservation_id(day.do(how.pop("kind", "reservation.reserve"), args | how))


@pytest.mark.parametrize(("mine", "his"), [(0, 2), (2, 0), (1, 1), (1, 2)])
def test_of_two_equal_places_the_one_with_more_guests_is_kept(mine: int, his: int) -> None:
    day = Day()
    (slot,) = day.slots(capacity=6)
    stays, duplicate = day.person("Zoë"), day.person("Zoe")
    own, other = party(day, slot, stays, mine), party(day, slot, duplicate, his)
    kept, ended = (other, own) if his > mine else (own, other)
    assert applied(merge(day, stays, duplicate)).answer["given_back"] == [ended]
    claim = day.claim(kept)
    assert (claim.claim, claim.guests or 0, claim.spots) == ("reserved", max(mine, his), 1 + max(mine, his))
    assert (claim.participant_id, people_of(day, kept), day.claim(ended).claim) == (stays, [stays], "cancelled")
    assert day.slot(slot).reserved_count == 1 + max(mine, his)


def test_guests_of_a_party_that_goes_on_without_him_are_not_lost() -> None:
    day = Day()
    (slot,) = day.slots(capacity=9)
    stays, duplicate, ann, cyd = day.person("Zoë"), day.person("Zoe"), day.person("Ann"), day.person("Cyd")
    own, other = party(day, slot, stays, 1, cyd), party(day, slot, duplicate, 3, ann)
    applied(merge(day, stays, duplicate))
    assert (day.claim(own).claim, day.claim(own).spots, set(people_of(day, own))) == ("reserved", 3, {stays, cyd})
    assert (day.claim(other).claim, day.claim(other).spots, people_of(day, other)) == ("reserved", 4, [ann])
    assert day.slot(slot).reserved_count == 7


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_nobody_is_taken_out_of_an_ensemble_for_a_place_of_his_own(turned: bool, named: bool) -> None:
    day = Day()
    (slot,) = day.slots(capacity=9)
    member, alone, ann = day.person("Zoë"), day.person("Zoe"), day.person("Ann")
    trio = {} if named else {"group_id": day.create("group", name="Trio")}
    ensemble = party(day, slot, member, 1, ann, **trio)
    own = party(day, slot, alone, 2)
    both = (alone, member) if turned else (member, alone)
    assert refused(merge(day, *both), ALREADY_RESERVED)["reservation_ids"] == [ensemble, own]
    applied(day.do("reservation.update", {"reservation_id": own, "guests": 1}))
    answer = applied(merge(day, *both)).answer
    assert answer["given_back"] == [own]
    assert set(people_of(day, ensemble)) == {both[0], ann}
    assert (day.claim(ensemble).spots, day.slot(slot).reserved_count) == (3, 3)


def test_a_place_of_his_own_is_not_given_up_for_an_ensembles_place_in_line() -> None:
    day, slot = waiting_day(capacity=1)
    placed, waiting = day.person("Zoë"), day.person("Zoe")
    own, ensemble = join(day, slot, placed), join(day, slot, waiting, day.person("Ann"))
    assert refused(merge(day, placed, waiting), ALREADY_RESERVED)["reservation_ids"] == [ensemble, own]


def wait_anywhere(day: Day, event: Id, *people: Id) -> Id:
    day.now += timedelta(seconds=1)
    args = {"event_id": event, "participant_ids": people, "on_full": "waitlist"}
    return reservation_id(day.do("reservation.reserve", args))


@pytest.mark.parametrize("anywhere_first", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_nobody_waits_twice_in_the_lines_of_one_event(turned: bool, anywhere_first: bool) -> None:
    day = Day()
    event = day.create("event", name="Choir", waitlist_enabled=True)
    slots = day.slots(3, event=event)
    for slot in slots:
        day.reserve(slot, day.person("Ann"))
    zoe, other = day.person("Zoë"), day.person("Zoe")
    anywhere = wait_anywhere(day, event, other) if anywhere_first else ""
    first, second = join(day, slots[1], zoe), join(day, slots[2], zoe)
    anywhere = anywhere or wait_anywhere(day, event, other)
    came = min(str(day.claim(id).queued_at) for id in (anywhere, first, second))
    stays, duplicate = (other, zoe) if turned else (zoe, other)
    applied(merge(day, stays, duplicate))
    waiting = {member.reservation_id for member in day.state.find(COMMITMENTS, stays)}
    assert waiting == {anywhere}, "it is the wider one"
    assert str(day.claim(anywhere).queued_at) == came, "from where he came first"
    assert people_of(day, anywhere) == [stays]
    assert {day.claim(id).claim for id in (first, second)} == {"cancelled"}


def test_who_has_a_place_in_an_event_does_not_wait_for_any_slot_of_it() -> None:
    day = Day()
    event = day.create("event", name="Choir", waitlist_enabled=True)
    slots = day.slots(2, event=event)
    zoe, other = day.person("Zoë"), day.person("Zoe")
    place = day.reserve(slots[1], zoe)
    day.reserve(slots[0], day.person("Ann"))
    anywhere = wait_anywhere(day, event, other)
    applied(merge(day, zoe, other))
    assert (day.claim(place).claim, day.claim(anywhere).claim) == ("reserved", "cancelled")


@pytest.mark.parametrize("turned", [False, True])
def test_a_hold_that_ran_out_is_no_place(turned: bool) -> None:
    day, slot = waiting_day(capacity=1)
    day.now = NOON - timedelta(hours=2)
    held, queued = day.person("Zoë"), day.person("Zoe")
    hold = reservation_id(day.do("reservation.hold", {"slot_id": slot.id, "participant_ids": [held]}))
    waiting = join(day, slot, queued)
    stays, duplicate = (queued, held) if turned else (held, queued)
    day.now += timedelta(minutes=30)
    answer = applied(merge(day, stays, duplicate)).answer
    assert "given_back" not in answer
    assert answer["promoted"] == [waiting], "what was held came free"
    assert (day.claim(hold).claim, day.claim(waiting).claim) == ("expired", "reserved")
    assert people_of(day, waiting) == [stays]


@pytest.mark.parametrize("turned", [False, True])
def test_a_place_in_line_for_more_guests_than_the_place_is_not_thrown_away(turned: bool) -> None:
    day, slot = waiting_day(capacity=1)
    placed, queued = day.person("Zoë"), day.person("Zoe")
    place = party(day, slot, placed, 0)
    applied(day.do("slot.update", {"slot_id": slot.id, "capacity": 3}))
    full = party(day, slot, day.person("Ann"), 1)
    waiting = party(day, slot, queued, 1)
    assert (day.claim(waiting).claim, day.claim(waiting).guests) == ("waitlisted", 1)
    stays, duplicate = (queued, placed) if turned else (placed, queued)
    said = refused(merge(day, stays, duplicate), ALREADY_RESERVED)
    assert said["reservation_ids"] == [place, waiting]
    assert said["participant_id"] == stays
    assert row(day, duplicate).merged_into is None
    applied(day.do("reservation.cancel", {"reservation_id": full}))
    assert day.claim(waiting).claim == "reserved"
    answer = applied(merge(day, stays, duplicate)).answer
    assert answer["given_back"] == [place]
    assert (day.claim(waiting).spots, people_of(day, waiting)) == (2, [stays])


def test_of_two_places_in_line_the_larger_stays_where_the_earlier_was() -> None:
    day, slot = waiting_day(capacity=2)
    stays, duplicate = day.person("Zoë"), day.person("Zoe")
    party(day, slot, day.person("Ann"), 1)
    mine, between, his = (
        party(day, slot, stays, 0), party(day, slot, day.person("Bea"), 0), party(day, slot, duplicate, 1),
    )  # fmt: skip
    applied(merge(day, stays, duplicate))
    assert day.claim(mine).claim == "cancelled"
    assert [place_in_line(day.state, day.claim(id)) for id in (his, between)] == [1, 2]
    assert people_of(day, his) == [stays]


def test_two_places_at_one_time_are_refused_unless_an_admin_says_why() -> None:
    day = Day()
    here, there = day.slots()[0], day.slots()[0]
    apart = day.slots(start=NOON + timedelta(hours=2))[0]
    stays, duplicate = day.person("Zoë"), day.person("Zoe")
    mine, his, later = day.reserve(here, stays), day.reserve(there, duplicate), day.reserve(apart, duplicate)
    assert refused(merge(day, stays, duplicate), DOUBLE_BOOKED)["clashes"] == [[mine, his]]
    assert row(day, duplicate).merged_into is None
    applied(merge(day, stays, duplicate, waive_reason="plays the first half only"))
    waived = {member.reservation_id: member.waived_reason for member in day.state.find(COMMITMENTS, stays)}
    assert waived == {mine: None, his: "plays the first half only", later: None}


def test_facts_are_appended_never_changed_and_undone_ones_do_not_follow() -> None:
    day = Day()
    (slot,) = day.slots(capacity=3)
    stays, duplicate, ann = day.person("Zoë"), day.person("Zoe"), day.person("Ann")
    party = day.reserve(slot, duplicate, ann)
    wrong = arrive(day, party, duplicate, occurred_at=NOON - timedelta(minutes=9))
    applied(day.do("attendance.undo", {"command_id": wrong}))
    arrive(day, party, duplicate, occurred_at=NOON - timedelta(minutes=2))
    before = dict(day.state.rows[Attendance])
    applied(merge(day, stays, duplicate))
    assert before.items() <= day.state.rows[Attendance].items()
    now = standing(day.state.find(FACTS, party))
    arrived = now[stays].arrived
    assert arrived is not None
    assert arrived.occurred_at == NOON - timedelta(minutes=2)
    assert len(day.state.rows[Attendance]) == len(before) + 1


def test_a_check_in_of_the_duplicate_that_comes_late_is_of_who_stays() -> None:
    day = Day()
    (slot,) = day.slots()
    stays, duplicate = day.person("Zoë"), day.person("Zoe")
    claim = day.reserve(slot, duplicate)
    applied(merge(day, stays, duplicate))
    arrive(day, claim, duplicate)
    assert [fact.participant_id for fact in day.state.find(FACTS, claim)] == [stays]
    assert isinstance(day.state.get(Participant, duplicate), Participant)


def test_a_better_place_is_checked_against_where_who_stays_is_meanwhile() -> None:
    day, slot = waiting_day(capacity=1)
    (elsewhere,) = day.slots()
    stays, duplicate = day.person("Zoë"), day.person("Zoe")
    his, mine = join(day, slot, duplicate), join(day, slot, stays)
    other = day.reserve(elsewhere, stays)
    assert refused(merge(day, stays, duplicate), DOUBLE_BOOKED)["clashes"] == [[other, his]]
    applied(merge(day, stays, duplicate, waive_reason="plays in both"))
    assert day.claim(mine).claim == "cancelled"
    waived = {member.reservation_id: member.waived for member in day.state.find(COMMITMENTS, stays)}
    assert waived == {his: True, other: False}

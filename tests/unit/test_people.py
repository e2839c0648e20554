"""What is known of people, who belongs together, and how they leave."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from server_sync.protocol.errors import (
    ALREADY_EXISTS,
    ERASED,
    HAS_PEOPLE,
    INVALID,
    NOT_ALLOWED,
    NOT_FOUND,
    NOTHING_TO_DO,
    REASON_NEEDED,
)
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Event, Group, Participant, ReservationMember, SlotReservation
from server_sync.rules.state import COMMITMENTS, MEMBERS, PEOPLE_OF_GROUP
from tests.unit.day import Day, applied, refused
from tests.unit.hall import Hall


def update(day: Day, id: Id, /, **fields: Any) -> Any:
    return day.do("participant.update", {"participant_id": id, **fields})


def row(day: Day, id: Id) -> Participant:
    found = day.state.get(Participant, id)
    assert found is not None
    return found


def waiting_day(capacity: int = 1) -> tuple[Day, Any]:
    day = Day()
    event = day.create("event", name="Choir", waitlist_enabled=True)
    (slot,) = day.slots(capacity=capacity, event=event)
    return day, slot


def join(day: Day, slot: Any, *people: Id) -> Id:
    day.now += timedelta(seconds=1)
    args = {"slot_id": slot.id, "participant_ids": people, "on_full": "waitlist"}
    id: Id = applied(day.do("reservation.reserve", args)).answer["reservation_id"]
    return id


def test_every_field_changes_and_only_what_is_said() -> None:
    day = Day()
    group = day.create("group", name="Duo")
    id = day.create("participant", first_name="Zoe", last_name="Quill", school="St Anne", age=9)
    fields = {
        "first_name": "Zoë", "external_id": "A-7", "school": "Hill", "grade": "5", "age": 10, "group_id": group,
        "contact": "zoe@example.org", "metadata": {"badge": 4},
    }  # fmt: skip
    applied(update(day, id, **fields))
    now = row(day, id)
    assert {name: getattr(now, name) for name in fields} == fields
    assert (now.display_name, now.last_name) == ("Zoë Quill", "Quill")
    applied(update(day, id, school=None, age=None, group_id=None, metadata=None))
    now = row(day, id)
    assert (now.school, now.age, now.group_id, now.metadata, now.grade) == (None, None, None, None, "5")


def test_the_display_name_follows_the_others_unless_it_is_given() -> None:
    day = Day()
    id = day.create("participant", first_name="Zoe", last_name="Quill")
    applied(update(day, id, display_name="Zoe the Great"))
    assert row(day, id).display_name == "Zoe the Great"
    applied(update(day, id, school="Hill"))
    assert row(day, id).display_name == "Zoe the Great"
    applied(update(day, id, last_name="Quinn"))
    assert row(day, id).display_name == "Zoe Quinn"
    applied(update(day, id, first_name="Ann", display_name="Annie"))
    assert (row(day, id).display_name, row(day, id).first_name) == ("Annie", "Ann")
    applied(update(day, id, display_name=None))
    assert row(day, id).display_name == "Ann Quinn"
    assert refused(update(day, id, first_name=None, last_name=None), INVALID)["field"] == "display_name"


def test_an_external_id_names_one_person() -> None:
    day = Day()
    first, second = day.person(external_id="7"), day.person()
    assert refused(update(day, second, external_id="7"), ALREADY_EXISTS) == {"external_id": "7", "id": first}
    refused(update(day, first, external_id="7"), NOTHING_TO_DO)
    applied(update(day, first, external_id="8"))
    applied(update(day, second, external_id="7"))
    applied(update(day, first, external_id=None))
    applied(update(day, second, external_id="8"))


def test_updates_refused() -> None:
    day = Day()
    id, gone = day.person(), day.person()
    refused(update(day, new_id(), school="x"), NOT_FOUND)
    refused(update(day, id), NOTHING_TO_DO)
    refused(update(day, id, school=None), NOTHING_TO_DO)
    refused(update(day, id, group_id=new_id()), NOT_FOUND)
    refused(update(day, id, age=-1), INVALID)
    refused(update(day, id, display_name=""), INVALID)
    refused(update(day, id, first_name="x" * 201), INVALID)
    refused(day.do("participant.update", {"participant_id": id, "school": "x"}, role="room_manager"), NOT_ALLOWED)
    refused(day.do("participant.update", {"participant_id": id, "school": "x"}, programme=new_id()), NOT_FOUND)
    day.put(structs.replace(row(day, gone), deleted=True))
    refused(update(day, gone, school="x"), NOT_FOUND)
    day.put(structs.replace(row(day, gone), deleted=None, erased=True))
    refused(update(day, gone, school="x"), ERASED)


def test_a_group_is_made_up_anew_at_once() -> None:
    day = Day()
    duo, trio = day.create("group", name="Duo"), day.create("group", name="Trio", external_id="T")
    ann, bea, cyd = (day.person(name, group_id=duo) for name in ("Ann", "Bea", "Cyd"))
    answer = applied(day.do("group.set_members", {"group_id": trio, "participant_ids": [bea, cyd, bea]})).answer
    assert answer == {"group_id": trio, "added": [bea, cyd], "removed": []}
    assert [person.id for person in day.state.find(PEOPLE_OF_GROUP, duo)] == [ann]
    answer = applied(day.do("group.set_members", {"group_id": trio, "participant_ids": [ann, cyd]})).answer
    assert (answer["added"], answer["removed"]) == ([ann], [bea])
    assert {person.id for person in day.state.find(PEOPLE_OF_GROUP, trio)} == {ann, cyd}
    refused(day.do("group.set_members", {"group_id": trio, "participant_ids": [cyd, ann]}), NOTHING_TO_DO)
    refused(day.do("group.set_members", {"group_id": trio, "participant_ids": [new_id()]}), NOT_FOUND)
    refused(day.do("group.set_members", {"group_id": new_id(), "participant_ids": []}), NOT_FOUND)
    applied(day.do("group.set_members", {"group_id": trio, "participant_ids": []}))
    assert day.state.find(PEOPLE_OF_GROUP, trio) == []


def test_a_group_changes() -> None:
    day = Day()
    duo, other = day.create("group", name="Duo", school="Hill"), day.create("group", name="Trio", external_id="T")
    applied(day.do("group.update", {"group_id": duo, "name": "Duo Alba", "school": None, "metadata": {"a": 1}}))
    group = day.state.get(Group, duo)
    assert group is not None
    assert (group.name, group.school, group.metadata) == ("Duo Alba", None, {"a": 1})
    refused(day.do("group.update", {"group_id": duo, "name": "Duo Alba"}), NOTHING_TO_DO)
    assert refused(day.do("group.update", {"group_id": duo, "external_id": "T"}), ALREADY_EXISTS)["id"] == other
    refused(day.do("group.update", {"group_id": duo, "name": None}), INVALID)
    refused(day.do("group.update", {"group_id": new_id(), "name": "x"}), NOT_FOUND)


# --------------------------------------------------------------------- leaving


def test_somebody_without_places_leaves() -> None:
    day = Day()
    group = day.create("group", name="Duo")
    id = day.person(group_id=group)
    applied(day.do("participant.retire", {"participant_id": id}))
    assert (row(day, id).deleted, row(day, id).group_id) == (True, None)
    refused(day.do("participant.retire", {"participant_id": id}), NOT_FOUND)
    refused(day.do("reservation.reserve", {"slot_id": day.slots()[0].id, "participant_ids": [id]}), NOT_FOUND)


def test_places_are_not_lost_without_a_word() -> None:
    day, slot = waiting_day()
    ann, bea = day.person("Ann"), day.person("Bea")
    first, second = join(day, slot, ann), join(day, slot, bea)
    assert refused(day.do("participant.retire", {"participant_id": ann}), HAS_PEOPLE)["reservation_ids"] == [first]
    assert refused(day.do("participant.retire", {"participant_id": bea}), HAS_PEOPLE)["reservation_ids"] == [second]
    refused(day.do("participant.retire", {"participant_id": ann, "cancel_claims": True}), REASON_NEEDED)
    answer = applied(
        day.do("participant.retire", {"participant_id": ann, "cancel_claims": True, "reason": "left"})
    ).answer
    assert (answer["cancelled"], answer["promoted"]) == ([first], [second])
    assert (day.claim(first).claim, day.claim(first).deleted) == ("cancelled", True)
    assert day.claim(second).claim == "reserved"
    assert day.state.find(COMMITMENTS, ann) == []
    assert day.slot(slot).reserved_count == 1


def test_a_party_goes_on_with_one_fewer_and_the_line_moves_up() -> None:
    day, slot = waiting_day(capacity=3)
    ann, bea, cyd = (day.person(name) for name in ("Ann", "Bea", "Cyd"))
    party, waiting = join(day, slot, ann, bea, cyd), join(day, slot, day.person("Dot"))
    reason = {"cancel_claims": True, "reason": "ill"}
    answer = applied(day.do("participant.retire", {"participant_id": bea, **reason})).answer
    assert (answer["cancelled"], answer["left"], answer["promoted"]) == ([], [party], [waiting])
    assert day.claim(party).spots == 2
    assert {member.participant_id for member in day.state.find(MEMBERS, party)} == {ann, cyd}
    for id in (ann, cyd):
        applied(day.do("participant.retire", {"participant_id": id, **reason}))
    assert day.claim(party).deleted
    assert day.slot(slot).reserved_count == 1


def test_a_party_in_seats_gives_one_back() -> None:
    hall = Hall(3)
    ann, bea = hall.day.person("Ann"), hall.day.person("Bea")
    party = hall.day.reserve(hall.slot, ann, bea)
    assert len(hall.of(party)) == 2
    applied(hall.day.do("participant.retire", {"participant_id": bea, "cancel_claims": True, "reason": "ill"}))
    assert len(hall.of(party)) == len(hall.states()) == hall.day.claim(party).spots == hall.slot.reserved_count == 1


def test_what_had_ended_leaves_too_and_a_party_can_come_back_without_him() -> None:
    day, slot = waiting_day(capacity=3)
    ann, bea = day.person("Ann"), day.person("Bea")
    party, own = join(day, slot, ann, bea), join(day, slot, day.person("Cyd"))
    for claim in (party, own):
        applied(day.do("reservation.cancel", {"reservation_id": claim}))
    (alone,) = day.slots()
    ended = day.reserve(alone, bea)
    applied(day.do("reservation.cancel", {"reservation_id": ended}))
    assert applied(day.do("participant.retire", {"participant_id": bea})).answer["cancelled"] == []
    assert (day.claim(ended).deleted, day.claim(party).deleted, day.claim(own).deleted) == (True, None, None)
    applied(day.do("reservation.reinstate", {"reservation_id": party}))
    assert (day.claim(party).spots, day.slot(slot).reserved_count) == (1, 1)
    refused(day.do("reservation.reinstate", {"reservation_id": ended}), NOT_FOUND)


def test_a_waiting_party_that_shrinks_may_fit() -> None:
    day, slot = waiting_day(capacity=2)
    join(day, slot, day.person("Ann"))
    bea, cyd = day.person("Bea"), day.person("Cyd")
    duo = join(day, slot, bea, cyd)
    assert day.claim(duo).claim == "waitlisted"
    answer = applied(
        day.do("participant.retire", {"participant_id": cyd, "cancel_claims": True, "reason": "ill"})
    ).answer
    assert answer["promoted"] == [duo]
    assert (day.claim(duo).claim, day.claim(duo).spots, day.slot(slot).reserved_count) == ("reserved", 1, 2)
    live = [member.participant_id for member in day.state.rows[ReservationMember].values() if member.live]
    assert cyd not in live


def test_a_group_leaves_and_its_people_stay() -> None:
    day, slot = waiting_day(capacity=2)
    duo = day.create("group", name="Duo")
    people = [day.person(name, group_id=duo) for name in ("Ann", "Bea")]
    day.now += timedelta(seconds=1)
    claim = applied(day.do("reservation.reserve", {"slot_id": slot.id, "group_id": duo})).answer["reservation_id"]
    waiting = join(day, slot, day.person("Cyd"))
    assert refused(day.do("group.retire", {"group_id": duo}), HAS_PEOPLE)["reservation_ids"] == [claim]
    refused(day.do("group.retire", {"group_id": duo, "cancel_claims": True}), REASON_NEEDED)
    applied(day.do("group.retire", {"group_id": duo, "cancel_claims": True, "reason": "dissolved"}))
    assert day.claim(waiting).claim == "reserved"
    assert [row(day, id).group_id for id in people] == [None, None]
    assert not any(row(day, id).deleted for id in people)
    refused(day.do("group.retire", {"group_id": duo}), NOT_FOUND)


@pytest.mark.parametrize("kind", ["participant.retire", "participant.merge", "participant.erase", "group.retire"])
def test_only_an_admin_may(kind: str) -> None:
    day = Day()
    args = {"participant_id": new_id(), "duplicate_id": new_id(), "group_id": new_id(), "reason": "x"}
    refused(day.do(kind, args, role="room_manager"), NOT_ALLOWED)


def test_an_event_keeps_its_count_when_a_party_in_it_shrinks() -> None:
    day, slot = waiting_day(capacity=5)
    event = day.state.get(Event, slot.event_id)
    assert event is not None
    day.put(structs.replace(event, capacity=5))
    ann, bea = day.person("Ann"), day.person("Bea")
    party = join(day, slot, ann, bea)
    applied(day.do("participant.retire", {"participant_id": ann, "cancel_claims": True, "reason": "ill"}))
    assert day.state.rows[Event][slot.event_id].reserved_count == 1
    held = [claim.spots for claim in day.state.rows[SlotReservation].values() if claim.id == party]
    assert held == [1]

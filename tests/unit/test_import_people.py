"""``import.apply`` and people who changed since: merged, erased, gone, or taken out of a party here."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from server_sync.protocol.ids import Id
from server_sync.protocol.imports import Import
from server_sync.protocol.records import EventSlot, Participant, ReservationMember, SlotReservation
from server_sync.rules.import_report import TableCounts
from server_sync.rules.redaction import ERASED_NAME
from tests.unit.day import Day, applied
from tests.unit.files import bring, codes, counts, row, talk, talks

PEOPLE = "id,name,group\nP1,Ann Lee,\nP2,Ann Leigh,\nP3,Cy Fox,\n"
SCHEDULE = "block,event,room,date,start,end,slot_minutes,slot_capacity\nB1,Piano,Hall,2026-05-02,09:00,10:00,15,3\n"
CLAIMS = "block,slot,person_id,group,entry,notes\n"


def day(claims: str, people: str = PEOPLE) -> Day:
    """A programme with these claims."""
    made = Day()
    bring(made, people, SCHEDULE, CLAIMS + claims)
    return made


def person(made: Day, id: str) -> Id:
    """The id of the person that the files call *id*."""
    found: Id = row(made, Participant, external_id=id).id
    return found


def merge(made: Day, stays: Id, duplicate: Id) -> None:
    """Two rows were one person."""
    applied(made.do("participant.merge", {"participant_id": stays, "duplicate_id": duplicate}))


def claims(made: Day) -> list[tuple[str, int]]:
    """State and slot of every claim that is there, by slot."""
    there = (claim for claim in made.state.rows[SlotReservation].values() if not claim.deleted)
    slots = made.state.rows[EventSlot]
    return sorted(((c.claim, slots[c.slot_id].slot_number) for c in there), key=lambda pair: (pair[1], pair[0]))


def people(made: Day) -> int:
    """How many rows of people there are, whatever became of them."""
    return len(made.state.rows[Participant])


# ------------------------------------------------------------------------ merged


def test_who_was_merged_keeps_the_place_wherever_it_is_now() -> None:
    made = day("B1,1,P2,,,\n")
    merge(made, person(made, "P1"), person(made, "P2"))
    files = (PEOPLE, SCHEDULE, CLAIMS + "B1,1,P2,,,\n")
    assert bring(made, *files).puts == []
    claim, fourth = row(made, SlotReservation), row(made, EventSlot, slot_number=4)
    applied(made.do("reservation.move", {"reservation_id": claim.id, "slot_id": fourth.id}))
    assert bring(made, *files).puts == []
    assert claims(made) == [("reserved", 4)]


def test_a_cancelled_place_of_who_was_merged_stays_cancelled() -> None:
    made = day("B1,1,P2,,,\n")
    applied(made.do("reservation.cancel", {"reservation_id": row(made, SlotReservation).id}))
    merge(made, person(made, "P1"), person(made, "P2"))
    changes = bring(made, PEOPLE, SCHEDULE, CLAIMS + "B1,1,P2,,,\n")
    assert (changes.puts, codes(changes)) == ([], ["cancelled_here"])


def test_of_one_person_said_twice_the_place_that_was_given_back_stays_so() -> None:
    made = day("B1,1,P1,,,\nB1,1,P2,,,\n")
    merge(made, person(made, "P1"), person(made, "P2"))
    assert claims(made) == [("cancelled", 1), ("reserved", 1)]
    files = (PEOPLE, SCHEDULE, CLAIMS + "B1,1,P1,,,\nB1,2,P2,,,\n")
    changes = bring(made, *files)
    assert claims(made) == [("cancelled", 1), ("reserved", 1)]
    assert codes(changes) == ["cancelled_here"]


def test_who_took_over_the_id_of_a_merged_row_has_its_places_too() -> None:
    made = Day()
    by_name = "block,slot,person\nB1,1,Ann Leigh\n"
    bring(made, SCHEDULE, by_name)
    ann = row(made, Participant, display_name="Ann Leigh").id
    bring(made, "id,name\nP9,Ann L.\n", SCHEDULE, CLAIMS + "B1,2,P9,,,\n")
    merge(made, ann, person(made, "P9"))
    assert row(made, Participant, external_id="P9").id == ann
    assert bring(made, "id,name\nP9,Ann Leigh\n", SCHEDULE, CLAIMS + "B1,2,P9,,,\n").puts == []
    assert bring(made, SCHEDULE, by_name).puts == []
    assert claims(made) == [("reserved", 1), ("reserved", 2)]


def test_whoever_the_file_knows_by_another_row_since_a_merge_is_found_by_the_old_one() -> None:
    made = Day()
    bring(made, SCHEDULE, "block,slot,person\nB1,1,Ann Lee\n")
    old = row(made, Participant, display_name="Ann Lee").id
    new = made.person("Ann Lee", external_id="P1")
    merge(made, new, old)
    bring(made, "id,name\nP1,Ann Lee\n", SCHEDULE, CLAIMS + "B1,2,P1,,,\n")
    assert claims(made) == [("reserved", 2)], "the file moves the one claim that there is"


def test_a_name_that_was_merged_is_one_persons() -> None:
    made = Day()
    stays, duplicate = made.person("Ann Lee"), made.person("Ann Lee")
    merge(made, stays, duplicate)
    changes = bring(made, "name,school\nAnn Lee,North\n")
    assert (codes(changes), people(made)) == ([], 2)
    assert made.state.rows[Participant][stays].school == "North"


def test_a_name_that_only_a_merged_row_bears_is_who_it_was_merged_into() -> None:
    made = Day()
    stays, duplicate = made.person("Anna Lee"), made.person("Ann Lee")
    merge(made, stays, duplicate)
    bring(made, SCHEDULE, "block,slot,person\nB1,1,Ann Lee\n")
    assert row(made, SlotReservation).participant_id == stays
    assert people(made) == 2


def test_of_two_rows_of_the_file_for_one_person_the_later_counts_every_time() -> None:
    made = Day()
    bring(made, "name,school,grade\nAnn Lee,North,\n")
    applied(made.do("participant.update", {"participant_id": row(made, Participant).id, "external_id": "P1"}))
    twice = "id,name,school,grade\nP1,Anna Lee,,7\n,Ann Lee,,\n"
    bring(made, twice)
    ann = row(made, Participant)
    assert (ann.display_name, ann.school, ann.grade) == ("Ann Lee", "North", "7")
    assert bring(made, twice).puts == []


# ----------------------------------------------------------- erased, and gone


def erase(made: Day, id: Id) -> None:
    """Somebody asked to be forgotten."""
    applied(made.do("participant.erase", {"participant_id": id, "reason": "asked"}))


def told(made: Day, *names: str) -> list[str]:
    """Which of *names* stand in a row of a person, a claim or a member."""
    records = (Participant, SlotReservation, ReservationMember)
    rows = [msgspec.json.encode(row).decode() for record in records for row in made.state.rows[record].values()]
    return [name for name in names if any(name in text for text in rows)]


TALK = talks(talk("a", "09:00", "Zoe Quill"), talk("b", "09:30", "Zoe Quill", room="Gym"))


@pytest.mark.parametrize(
    "files",
    [
        (PEOPLE, SCHEDULE, CLAIMS + "B1,1,P1,,Ann the Great,needs a stool\n"),
        (SCHEDULE, "block,slot,person,entry,notes\nB1,1,Ann Lee,Ann the Great,needs a stool\n"),
        (TALK,),
    ],
)
def test_who_was_erased_stays_so_and_keeps_a_bare_place(files: tuple[str | Import, ...]) -> None:
    made = Day()
    bring(made, *files)
    who = {"display_name": "Zoe Quill" if files == (TALK,) else "Ann Lee"}
    erase(made, row(made, Participant, **who).id)
    before = claims(made)
    assert told(made, "Ann", "stool", "Quill") == (["Ann"] if len(files) == 3 else []), "Ann Leigh is another"
    changes = bring(made, *files)
    assert changes.puts == []
    assert codes(changes) == ["erased_here"]
    assert changes.answer["problems"][0]["subject"] == ERASED_NAME
    assert claims(made) == before


def test_who_was_erased_gets_no_place_in_another_file() -> None:
    made = day("B1,1,P1,,,\n")
    erase(made, person(made, "P1"))
    other = CLAIMS + "B1,3,P1,,,\nB1,4,P1;P3,,Duo,\n"
    assert codes(bring(made, PEOPLE, SCHEDULE, other)) == ["erased_here"]
    assert claims(made) == [("reserved", 1), ("reserved", 4)]
    duo = row(made, SlotReservation, reserved_name="Duo")
    assert (duo.spots, duo.participant_id) == (1, person(made, "P3"))


def test_who_was_erased_comes_no_more_with_a_group() -> None:
    made = day("", PEOPLE.replace("Lee,", "Lee,Duo").replace("Fox,", "Fox,Duo"))
    erase(made, person(made, "P1"))
    bring(made, PEOPLE.replace("Fox,", "Fox,Duo"), SCHEDULE, CLAIMS + "B1,1,,Duo,,\n")
    assert row(made, SlotReservation).spots == 1


@pytest.mark.parametrize("names", [True, False])
def test_who_left_the_programme_stays_away(names: bool) -> None:
    made = Day()
    claim = "block,slot,person\nB1,1,Ann Lee\n" if names else CLAIMS + "B1,1,P1,,,\n"
    files = (SCHEDULE, claim) if names else (PEOPLE, SCHEDULE, claim)
    bring(made, *files)
    ann = row(made, Participant, display_name="Ann Lee").id
    gone = {"participant_id": ann, "cancel_claims": True, "reason": "moved away"}
    applied(made.do("participant.retire", gone))
    changes = bring(made, *files)
    assert (changes.puts, codes(changes)) == ([], ["left_here"])
    assert claims(made) == []


def test_who_left_and_was_entered_anew_is_the_new_one() -> None:
    made = day("")
    applied(made.do("participant.retire", {"participant_id": person(made, "P1")}))
    again = made.person("Ann Lee", external_id="P1")
    bring(made, PEOPLE, SCHEDULE, CLAIMS + "B1,1,P1,,,\n")
    assert row(made, SlotReservation).participant_id == again


def test_who_was_merged_into_somebody_who_left_stays_away_too() -> None:
    made = day("")
    one, other = person(made, "P1"), person(made, "P2")
    merge(made, one, other)
    applied(made.do("participant.retire", {"participant_id": one}))
    changes = bring(made, PEOPLE, SCHEDULE, CLAIMS + "B1,1,P2,,,\n")
    assert codes(changes) == ["left_here", "left_here"]
    assert claims(made) == []


def test_an_id_that_staff_took_from_somebody_still_finds_them() -> None:
    made = day("B1,1,P1,,,\n")
    ann = person(made, "P1")
    applied(made.do("participant.update", {"participant_id": ann, "external_id": None}))
    assert bring(made, PEOPLE, SCHEDULE, CLAIMS + "B1,1,P1,,,\n").puts == []
    applied(made.do("participant.update", {"participant_id": ann, "external_id": "Q1"}))
    assert counts(bring(made, PEOPLE), Participant) == TableCounts(added=1, unchanged=2), "that id is another's now"


# ------------------------------------------------------------ taken out of a party


def test_whoever_staff_took_out_of_a_party_stays_out() -> None:
    made = day("B1,1,P1;P3,,,\n")
    duo, cy = row(made, SlotReservation), person(made, "P3")
    out: dict[str, Any] = {"reservation_id": duo.id, "remove_participant_ids": [cy]}
    applied(made.do("reservation.update", out))
    files = (PEOPLE, SCHEDULE, CLAIMS + "B1,1,P1;P3,,,\n")
    changes = bring(made, *files)
    assert (changes.puts, codes(changes)) == ([], ["left_here"])
    assert made.claim(duo.id).spots == 1
    merge(made, person(made, "P2"), cy)
    assert bring(made, *files).puts == [], "whoever they are now"


def test_others_of_a_group_join_where_one_was_taken_out() -> None:
    trio = PEOPLE.replace(",\n", ",Trio\n")
    made = day("B1,1,,Trio,,\n", trio.replace("Ann Leigh,Trio", "Ann Leigh,"))
    claim, cy = row(made, SlotReservation), person(made, "P3")
    applied(made.do("reservation.update", {"reservation_id": claim.id, "remove_participant_ids": [cy]}))
    changes = bring(made, trio, SCHEDULE, CLAIMS + "B1,1,,Trio,,\n")
    assert codes(changes) == ["left_here"]
    inside = {m.participant_id for m in made.state.rows[ReservationMember].values() if m.live}
    assert inside == {person(made, "P1"), person(made, "P2")}


# -------------------------------------------------------------------- waivers


def test_a_waiver_names_nobody() -> None:
    made = Day()
    bring(made, TALK)
    bring(made, talks(talk("c", "09:15", "Zoe Quill", room="Yard")))
    waivers = [m.waived_reason for m in made.state.rows[ReservationMember].values() if m.waived_reason]
    assert len(waivers) == 2
    assert not any("Quill" in waiver for waiver in waivers)
    assert all("in “a”" in waiver for waiver in waivers)
    assert not any("Quill" in claim.waiver for claim in TALK.claims)
    erase(made, row(made, Participant, display_name="Zoe Quill").id)
    assert told(made, "Quill") == []

"""Forgetting somebody: the rows, and what the ledger says of him."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from server_sync.protocol.errors import ERASED, INVALID, NOT_FOUND
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import (
    Event,
    EventSlot,
    EventTimeBlock,
    Location,
    Participant,
    ReservationMember,
    SlotReservation,
)
from server_sync.rules.erase import needs_erase
from server_sync.rules.redaction import ERASED_NAME, PERSONAL, Forgotten
from server_sync.rules.state import COMMITMENTS, MEMBERS, PEOPLE_OF_GROUP
from tests.unit.day import NOON, Day, applied, refused
from tests.unit.test_people import row

WHO = {
    "first_name": "Zoë", "last_name": "Quill", "external_id": "A-77", "school": "St Anne", "grade": "5", "age": 9,
    "contact": "zoe@example.org", "metadata": {"badge": 4},
}  # fmt: skip


def test_the_row_tells_nothing_and_counts_stay() -> None:
    day = Day()
    (slot,) = day.slots(capacity=3)
    group = day.create("group", name="Duo")
    zoe, ann = day.create("participant", **WHO, group_id=group), day.person("Ann")
    own = day.reserve(slot, zoe, reserved_name="Zoë of Hill", contact="mum@example.org", special_requirements="a stool",
                      metadata={"piece": "her own"})  # fmt: skip
    party = day.reserve(day.slots(capacity=3, start=NOON + timedelta(hours=1))[0], zoe, ann, reserved_name="Duo Alba",
                        contact="zoe@example.org", special_requirements="two chairs")  # fmt: skip
    applied(day.do("attendance.arrive", {"reservation_id": own}))
    changes = applied(day.do("participant.erase", {"participant_id": zoe, "reason": "her parents asked"}))
    assert changes.erase is not None
    assert changes.erase.ids == {zoe, own}
    now = row(day, zoe)
    assert now == Participant(id=zoe, programme_id=day.programme, display_name=ERASED_NAME, erased=True, group_id=group)
    claim = day.claim(own)
    told = (claim.reserved_name, claim.reserved_contact, claim.special_requirements, claim.metadata)
    assert told == (None, None, None, None)
    both = day.claim(party)
    assert (both.reserved_name, both.reserved_contact, both.special_requirements) == ("Duo Alba", None, "two chairs")
    assert day.slot(slot).reserved_count == 1
    assert len(day.state.find(COMMITMENTS, zoe)) == 2
    assert len(day.state.find(PEOPLE_OF_GROUP, group)) == 1
    assert not any("Quill" in repr(put) for put in changes.puts)


def test_what_was_merged_into_somebody_is_forgotten_with_him() -> None:
    day = Day()
    (slot,) = day.slots()
    zoe, twice = day.person("Zoë Quill"), day.create("participant", **WHO)
    claim = day.reserve(slot, twice)
    applied(day.do("participant.merge", {"participant_id": zoe, "duplicate_id": twice}))
    changes = applied(day.do("participant.erase", {"participant_id": zoe, "reason": "asked"}))
    assert changes.erase is not None
    assert changes.erase.ids == {zoe, twice, claim}
    assert (row(day, twice).display_name, row(day, twice).merged_into) == (ERASED_NAME, zoe)
    assert row(day, twice).contact is None


def test_an_erased_person_takes_no_commands() -> None:
    day = Day()
    zoe, (slot,) = day.person(), day.slots()
    args = {"participant_id": zoe, "reason": "asked"}
    applied(day.do("participant.erase", args))
    refused(day.do("participant.erase", args), ERASED)
    refused(day.do("participant.update", {"participant_id": zoe, "school": "x"}), ERASED)
    refused(day.do("reservation.reserve", {"slot_id": slot.id, "participant_ids": [zoe]}), ERASED)
    refused(day.do("participant.erase", {"participant_id": new_id(), "reason": "asked"}), NOT_FOUND)
    refused(day.do("participant.erase", {"participant_id": zoe}), INVALID)
    refused(day.do("participant.erase", {"participant_id": zoe, "reason": ""}), INVALID)
    applied(day.do("participant.retire", {"participant_id": zoe}))


def test_somebody_who_left_can_still_be_forgotten() -> None:
    day = Day()
    (slot,) = day.slots()
    zoe = day.create("participant", **WHO)
    claim = day.reserve(slot, zoe, contact="mum@example.org")
    applied(day.do("participant.retire", {"participant_id": zoe, "cancel_claims": True, "reason": "left"}))
    changes = applied(day.do("participant.erase", {"participant_id": zoe, "reason": "asked"}))
    assert changes.erase is not None
    assert changes.erase.ids == {zoe, claim}
    assert (row(day, zoe).deleted, row(day, zoe).contact) == (True, None)
    assert (day.claim(claim).deleted, day.claim(claim).reserved_contact) == (True, None)


def test_leaving_and_being_forgotten_in_one_step() -> None:
    day = Day()
    (slot,) = day.slots()
    zoe = day.create("participant", **WHO)
    claim = day.reserve(slot, zoe, contact="mum@example.org")
    args = {"participant_id": zoe, "cancel_claims": True, "reason": "asked", "erase": True}
    changes = applied(day.do("participant.retire", args))
    assert changes.erase is not None
    assert changes.erase.ids == {zoe, claim}
    assert (row(day, zoe).deleted, row(day, zoe).erased) == (True, True)
    assert (day.claim(claim).deleted, day.claim(claim).reserved_contact, day.claim(claim).claim) == (
        True, None, "cancelled",
    )  # fmt: skip


def test_what_his_claims_lead_to_repeats_him_no_more() -> None:
    day = Day()
    name = "Zoë Quill"
    event = day.create(
        "event", name="Piano solo", artists=["Ann", name], description=f"{name} plays", external_id="A-77"
    )
    (slot,) = day.slots(capacity=3, event=event, notes=f"{name} needs a ramp")
    zoe, ann = day.create("participant", **WHO), day.person("Ann")
    (meanwhile,) = day.slots()
    day.reserve(meanwhile, zoe)
    party = day.reserve(slot, zoe, ann, waive_reason=f"{name} plays twice")
    applied(day.do("slot.block", {"slot_id": slot.id, "reason": f"{name} is ill"}))
    applied(day.do("location.update", {"location_id": slot.location_id, "notes": f"{name} has the key"}))
    changes = applied(day.do("participant.erase", {"participant_id": zoe, "reason": "asked"}))
    assert {type(put) for put in changes.puts} == {
        Participant, ReservationMember, Event, EventTimeBlock, EventSlot, Location,
    }  # fmt: skip
    assert not any("Quill" in repr(held) for rows in day.state.rows.values() for held in rows.values())
    now = day.state.get(Event, event)
    assert now is not None
    assert (now.artists, now.description) == (["Ann", ERASED_NAME], f"{ERASED_NAME} plays")
    assert now.external_id == "A-77", "that number is the event's own"
    assert {member.participant_id for member in day.state.find(MEMBERS, party)} == {zoe, ann}


def test_only_what_repeats_him_is_kept_from_others() -> None:
    day = Day()
    event = day.create("event", name="Piano solo", artists=["Zoë Quill"])
    (slot,) = day.slots(event=event)
    zoe = day.create("participant", **WHO)
    claim = day.reserve(slot, zoe)
    keys = needs_erase(day.state, zoe)
    assert keys.lock == {(Participant, zoe), (SlotReservation, claim), (Event, event)}
    there = {(EventSlot, slot.id), (EventTimeBlock, slot.time_block_id), (Location, slot.location_id)}
    assert keys.read == {*there, (Event, event)}


# -------------------------------------------------------------------- redaction


def who(*ids: str) -> Forgotten:
    found = Forgotten(frozenset(ids))
    found.learn({"display_name": "Zoë Quill", "first_name": "Zoë", "last_name": "Quill", "contact": "zoe@example.org",
                 "external_id": "12"})  # fmt: skip
    return found


def test_a_command_about_him_loses_every_personal_argument() -> None:
    args: dict[str, Any] = dict.fromkeys(PERSONAL, "something") | {"participant_id": "p", "group_id": "g"}
    redacted = who("p").args("participant.update", "c", args)
    assert redacted == dict.fromkeys(PERSONAL) | {
        "participant_id": "p", "group_id": "g", "display_name": ERASED_NAME,
    }  # fmt: skip
    for about in ({"reservation_id": "p"}, {"participant_ids": ["p"]}, {"duplicate_id": "p"}):
        assert who("p").args("x", "c", {"contact": "a", **about})["contact"] is None
    assert who("p").args("participant.create", "p", {"contact": "a"})["contact"] is None
    assert who("p").args("walk_in", "c", {"person": {"contact": "a"}}, created=True)["person"]["contact"] is None


def test_a_partys_command_keeps_what_is_not_his() -> None:
    args = {
        "participant_ids": ["p", "q"],
        "reserved_name": "Duo Alba",
        "special_requirements": "Zoë Quill needs a stool",
    }
    redacted = who("p").args("reservation.reserve", "c", args)
    assert redacted == args | {"special_requirements": f"{ERASED_NAME} needs a stool"}


def test_effects_lose_him_and_nobody_else() -> None:
    namesake = ["participants", "q", None, {"id": "q", "display_name": "Zoë Quill", "external_id": "12"}]
    effects: list[Any] = [
        ["participants", "p", None, {"id": "p", "display_name": "Zoë Quill", "external_id": "12", "age": 9}],
        ["participants", "p", {"school": "Hill"}, {"school": "St Anne"}],
        namesake,
        ["event_slots", "s", {"reserved_count": 12}, {"reserved_count": 13}],
        [
            "flags",
            "f",
            None,
            {"reason": "Zoë Quill", "details": {"who": "Quill, Zoë"}, "raised_at": "2026-05-02T12:00:00Z"},
        ],
    ]
    redacted = who("p").effects(effects)
    assert redacted[0][3] == {"id": "p", "display_name": ERASED_NAME, "external_id": None, "age": None}
    assert redacted[1][2:] == [{"school": None}, {"school": None}]
    assert redacted[2] == namesake
    assert redacted[3] == effects[3]
    assert redacted[4][3]["details"] == {"who": ERASED_NAME}


def test_a_number_of_an_events_own_is_left_alone() -> None:
    metadata = {"id": "12", "by": "Zoë Quill"}
    fields = {"external_id": "Zoë Quill: 12", "metadata": metadata, "artists": ["Zoë Quill", "Ann"]}
    bare = fields | {"metadata": {"id": "12", "by": ERASED_NAME}, "artists": [ERASED_NAME, "Ann"]}
    effects: list[Any] = [["events", "e", None, fields], ["flags", "f", None, {"details": {"external_id": "12"}}]]
    assert [effect[3] for effect in who("p").effects(effects)] == [bare, {"details": {"external_id": ERASED_NAME}}]
    assert who("p").mentioned_in(effects) == {"e", "f"}


def test_texts_are_found_whole_and_codes_only_where_they_are_all() -> None:
    forgotten = who("p")
    assert forgotten.text("row 12: Zoë Quill <zoe@example.org>") == f"row 12: {ERASED_NAME} <{ERASED_NAME}>"
    assert forgotten.text(["12", "2026-05-12T12:00:00Z"]) == [ERASED_NAME, "2026-05-12T12:00:00Z"]
    assert forgotten.text("Zoë Quillfeather") == "Zoë Quillfeather"
    assert Forgotten(frozenset("p")).text("Zoë Quill") == "Zoë Quill"


def test_an_import_loses_his_line_alone() -> None:
    document: dict[str, Any] = {
        "people": [
            {"key": "12", "external_id": "12", "display_name": "Zoë Quill", "school": "Hill", "group": "g"},
            {"key": "13", "external_id": "13", "display_name": "Zoë Quill", "school": "St Anne"},
        ],
        "claims": [{"key": "c", "people": ["12", "13"], "name": ""}],
        "problems": [{"subject": "Zoë Quill", "reason": "2 people here bear this name"}],
        "blocks": [{"start": "2026-05-12T12:00:00Z"}],
    }
    redacted = who("p").args("import.apply", "c", {"document": document})["document"]
    his, other = redacted["people"]
    assert (his["display_name"], his["external_id"], his["school"], his["group"]) == (ERASED_NAME, None, None, "g")
    assert other == document["people"][1]
    assert redacted["claims"][0]["people"] == [his["key"], "13"]
    assert redacted["problems"][0]["subject"] == ERASED_NAME
    assert redacted["blocks"] == document["blocks"]
    assert b'"12"' not in msgspec.json.encode(redacted)

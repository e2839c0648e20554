"""What happened in the world: recorded, flagged when it surprises, undone by name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec import structs

from server_sync.protocol.errors import NOT_ALLOWED, NOT_FOUND, NOTHING_TO_UNDO
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Attendance, EventSlot, Flag
from server_sync.rules.attend import FLAG_REASONS
from server_sync.rules.attendance import party, standing, that_stand, word
from server_sync.rules.state import FACTS, MEMBERS
from tests.unit.day import NOON, Day, applied, refused

DEVICE = new_id()


def say(day: Day, what: str, claim: Id, /, *people: Id, **how: Any) -> Any:
    how = {"role": "volunteer", "device": DEVICE, **how}
    return day.do(f"attendance.{what}", {"reservation_id": claim, "participant_ids": people}, **how)


def undo(day: Day, command: Id, /, **how: Any) -> Any:
    return day.do("attendance.undo", {"command_id": command}, **{"role": "volunteer", **how})


def people_of(day: Day, id: Id) -> list[Id]:
    return [member.participant_id for member in day.state.find(MEMBERS, id)]


def read(day: Day, id: Id) -> str:
    return word(day.claim(id), people_of(day, id), day.state.find(FACTS, id))


def flags(day: Day) -> list[str]:
    reasons = [flag.reason for flag in day.state.rows[Flag].values()]
    assert FLAG_REASONS.issuperset(reasons), "whoever shows flags has words for those alone"
    return reasons


def the_flag(day: Day) -> Any:
    """The one there is, of a kind that is known to whoever shows flags."""
    (flag,) = day.state.rows[Flag].values()
    assert flag.reason in FLAG_REASONS
    return flag


def arranged(people: int = 1, **args: Any) -> tuple[Day, Id, list[Id]]:
    day = Day()
    (slot,) = day.slots(capacity=10)
    members = [day.person() for _ in range(people)]
    return day, day.reserve(slot, *members, **args), members


def test_an_arrival() -> None:
    day, id, (zoe,) = arranged()
    early = NOON - timedelta(minutes=3)
    answer = applied(say(day, "arrive", id, occurred_at=early, offset_ms=60_000)).answer
    assert answer == {"reservation_id": id, "kind": "arrived", "occurred_at": NOON - timedelta(minutes=2), "members": 1}
    (fact,) = day.state.find(FACTS, id)
    assert (fact.kind, fact.participant_id, fact.device_id, fact.actor) == ("arrived", zoe, DEVICE, "Ada")
    assert fact.occurred_at == NOON - timedelta(minutes=2)
    assert (day.claim(id).version, day.claim(id).placement_version) == (2, 1)
    assert read(day, id) == "checked_in"
    assert flags(day) == []


def test_the_words() -> None:
    day, id, _ = arranged()
    assert read(day, id) == "reserved"
    day.put(structs.replace(day.claim(id), confirmed_at=NOON))
    assert read(day, id) == "confirmed"
    for what, reached in (("no_show", "no_show"), ("arrive", "checked_in"), ("perform", "performed")):
        applied(say(day, what, id))
        day.now += timedelta(minutes=1)
        assert read(day, id) == reached
    assert flags(day) == []
    day.put(structs.replace(day.claim(id), claim="cancelled"))
    assert read(day, id) == "cancelled"


def test_a_no_show_said_after_the_arrival_counts_unless_somebody_came() -> None:
    day, id, _ = arranged()
    applied(say(day, "arrive", id, occurred_at=NOON - timedelta(minutes=5)))
    applied(say(day, "no_show", id))
    assert read(day, id) == "no_show"
    assert flags(day) == ["no_show_after_arrival"]


def test_of_a_party_each_and_all() -> None:
    day, id, (zoe, ann) = arranged(2)
    applied(say(day, "arrive", id, zoe, zoe))
    assert {fact.participant_id for fact in day.state.find(FACTS, id)} == {zoe}
    assert applied(say(day, "arrive", id, ann)).answer["members"] == 1
    assert flags(day) == []
    applied(say(day, "perform", id))
    now = standing(day.state.find(FACTS, id))
    assert {member: row.word for member, row in now.items()} == {zoe: "performed", ann: "performed"}
    nobody = new_id()
    assert refused(say(day, "arrive", id, zoe, nobody), NOT_FOUND)["participant_ids"] == [nobody]


def test_a_free_form_name_arrives_too() -> None:
    day, id, _ = arranged(0, reserved_name="The Mayor")
    applied(say(day, "arrive", id))
    (fact,) = day.state.find(FACTS, id)
    assert fact.participant_id is None
    assert read(day, id) == "checked_in"


def test_two_desks_agree_on_the_earliest() -> None:
    day, id, _ = arranged()
    late, early = new_id(), new_id()
    applied(say(day, "arrive", id, id=late, occurred_at=NOON - timedelta(minutes=1)))
    applied(say(day, "arrive", id, id=early, occurred_at=NOON - timedelta(minutes=9), device=new_id()))
    (standing_now,) = standing(day.state.find(FACTS, id)).values()
    assert standing_now.arrived is not None
    assert standing_now.arrived.command_id == early
    flag = the_flag(day)
    assert flag.reason == "arrived_twice"
    assert flag.details["other_device"] == DEVICE
    applied(undo(day, early))
    (standing_now,) = standing(day.state.find(FACTS, id)).values()
    assert standing_now.arrived is not None
    assert standing_now.arrived.command_id == late
    assert read(day, id) == "checked_in"


@pytest.mark.parametrize("what", ["arrive", "perform", "no_show"])
@pytest.mark.parametrize("claim", ["cancelled", "waitlisted", "held", "expired"])
def test_a_fact_about_a_claim_that_holds_no_place_is_kept_and_flagged(what: str, claim: Any) -> None:
    day, id, _ = arranged()
    day.put(structs.replace(day.claim(id), claim=claim))
    before = day.state.rows[EventSlot][day.claim(id).slot_id]
    applied(say(day, what, id))
    flag = the_flag(day)
    kind = {"arrive": "arrived", "perform": "performed", "no_show": "no_show"}[what]
    assert flag.reason == f"{kind}_on_{claim}"
    assert flag.audience == f"device:{DEVICE}"
    assert flag.subject == f"slot_reservations/{id}"
    assert len(day.state.find(FACTS, id)) == 1
    assert day.claim(id).claim == claim
    assert day.state.rows[EventSlot][before.id] == before, "it claims nothing"


def test_a_check_in_after_a_move_is_kept_and_flagged() -> None:
    day, id, _ = arranged()
    (there,) = day.slots(start=NOON.replace(hour=18))
    applied(day.do("reservation.move", {"reservation_id": id, "slot_id": there.id}))
    applied(say(day, "arrive", id, seen={f"slot_reservations/{id}": 1}))
    assert flags(day) == ["arrived_after_move"]
    assert day.claim(id).slot_id == there.id
    assert read(day, id) == "checked_in"


def test_without_a_device_the_room_managers_are_told() -> None:
    day, id, _ = arranged()
    applied(say(day, "perform", id, device=None))
    flag = the_flag(day)
    assert (flag.reason, flag.audience) == ("performed_without_arrival", "role:room_manager")


def test_facts_refused() -> None:
    day, id, _ = arranged()
    refused(say(day, "arrive", new_id()), NOT_FOUND)
    refused(say(day, "arrive", id, programme=new_id()), NOT_FOUND)
    refused(say(day, "arrive", id, role="public"), NOT_ALLOWED)


def retired(day: Day, id: Id) -> None:
    args = {"slot_id": day.claim(id).slot_id, "cancel_people": True, "reason": "no piano"}
    applied(day.do("slot.retire", args))
    assert day.claim(id).deleted


@pytest.mark.parametrize("what", ["arrive", "perform", "no_show"])
def test_a_fact_about_a_claim_that_left_with_its_slot_is_kept_and_flagged(what: str) -> None:
    day, id, members = arranged(2)
    retired(day, id)
    before = day.claim(id)
    applied(say(day, what, id))
    assert the_flag(day).reason.endswith("_on_cancelled")
    assert {fact.participant_id for fact in day.state.find(FACTS, id)} == set(members), "of those who were in it"
    assert day.claim(id) == before
    said = new_id()
    applied(say(day, what, id, members[0], id=said))
    assert applied(undo(day, said)).answer["reservation_ids"] == [id]


def test_a_fact_is_undone_though_its_claim_has_left_since() -> None:
    day, id, _ = arranged()
    said = new_id()
    applied(say(day, "arrive", id, id=said))
    retired(day, id)
    before = day.claim(id)
    assert applied(undo(day, said)).answer["reservation_ids"] == [id]
    assert that_stand(day.state.find(FACTS, id)) == []
    assert day.claim(id) == before
    refused(undo(day, said), NOTHING_TO_UNDO)


def test_a_party_is_a_no_show_only_if_all_of_it_is() -> None:
    day, id, (zoe, ann, bea) = arranged(3)
    applied(say(day, "no_show", id, zoe))
    assert read(day, id) == "reserved"
    applied(say(day, "no_show", id, ann))
    assert read(day, id) == "reserved"
    applied(say(day, "no_show", id, bea))
    assert read(day, id) == "no_show"
    day.now += timedelta(minutes=1)
    applied(say(day, "arrive", id, bea))
    assert read(day, id) == "checked_in"


@pytest.mark.parametrize(
    ("what", "reached"), [("arrive", "checked_in"), ("perform", "performed"), ("no_show", "no_show")]
)
def test_who_left_the_party_counts_no_more(what: str, reached: str) -> None:
    day, id, (zoe, ann) = arranged(2)
    applied(say(day, what, id, zoe))
    if what == "no_show":
        applied(say(day, what, id, ann))
    assert read(day, id) == reached
    applied(day.do("reservation.update", {"reservation_id": id, "remove_participant_ids": [zoe]}))
    assert read(day, id) == ("no_show" if what == "no_show" else "reserved")
    assert len(day.state.find(FACTS, id)) == (2 if what == "no_show" else 1), "it is still known"


def test_what_was_said_of_a_name_counts_for_all_who_turn_out_to_be_it() -> None:
    day, id, _ = arranged(0, reserved_name="The Mayor")
    applied(say(day, "arrive", id))
    mayor, aide = day.person("Ada"), day.person("Ben")
    applied(day.do("reservation.update", {"reservation_id": id, "add_participant_ids": [mayor, aide]}))
    assert read(day, id) == "checked_in"
    day.now += timedelta(minutes=1)
    applied(say(day, "no_show", id, aide))
    found = {who: counted.word for who, counted in party([mayor, aide], day.state.find(FACTS, id)).items()}
    assert found == {mayor: "checked_in", aide: "no_show"}


def test_a_clock_that_says_an_impossible_time_says_nothing() -> None:
    """Else it would be the earliest arrival for ever; and that it was wrong, somebody should know."""
    day, id, (zoe,) = arranged()
    long_ago = NOON - timedelta(days=9000)
    applied(say(day, "arrive", id, occurred_at=long_ago))
    flag = the_flag(day)
    assert (flag.reason, flag.details["said_at"]) == (
        "arrived_at_wrong_time",
        long_ago.isoformat().replace("+00:00", "Z"),
    )
    assert standing(day.state.find(FACTS, id))[zoe].arrived.occurred_at == NOON  # type: ignore[union-attr]
    days_ago = NOON - timedelta(days=9)
    applied(say(day, "arrive", id, occurred_at=days_ago))
    assert standing(day.state.find(FACTS, id))[zoe].arrived.occurred_at == days_ago  # type: ignore[union-attr]
    applied(
        say(day, "arrive", id, occurred_at=long_ago, offset_ms=int(timedelta(days=8990) / timedelta(milliseconds=1)))
    )
    earliest = standing(day.state.find(FACTS, id))[zoe].arrived
    assert earliest is not None
    assert earliest.occurred_at == NOON - timedelta(days=10), "a clock whose error was measured is believed"
    assert sorted(flags(day)) == ["arrived_at_wrong_time", "arrived_twice", "arrived_twice"]


def test_an_undo_names_the_command() -> None:
    day, id, (zoe, ann) = arranged(2)
    both, one = new_id(), new_id()
    applied(say(day, "arrive", id, id=both))
    applied(say(day, "arrive", id, zoe, id=one))
    answer = applied(undo(day, both)).answer
    assert answer == {"command_id": both, "reservation_ids": [id]}
    assert [fact.command_id for fact in that_stand(day.state.find(FACTS, id))] == [one]
    assert {member for member, row in standing(day.state.find(FACTS, id)).items() if row.arrived} == {zoe}
    assert ann not in standing(day.state.find(FACTS, id))


def test_undo_twice_and_undo_of_an_undo() -> None:
    day, id, _ = arranged()
    said, undone = new_id(), new_id()
    applied(say(day, "arrive", id, id=said))
    applied(undo(day, said, id=undone))
    assert read(day, id) == "reserved"
    refused(undo(day, said), NOTHING_TO_UNDO)
    refused(undo(day, undone), NOTHING_TO_UNDO)
    refused(undo(day, new_id()), NOTHING_TO_UNDO)
    applied(say(day, "arrive", id))
    assert read(day, id) == "checked_in", "the way to redo is to say it again"


def test_who_was_taken_out_of_the_party_was_there_all_the_same() -> None:
    day, id, (zoe, ann) = arranged(2)
    applied(day.do("participant.retire", {"participant_id": ann, "cancel_claims": True, "reason": "moved away"}))
    assert day.claim(id).spots == 1
    applied(say(day, "arrive", id, zoe, ann))
    flag = the_flag(day)
    assert (flag.reason, flag.details["participant_ids"]) == ("arrived_outside_party", [ann])
    assert {fact.participant_id for fact in day.state.find(FACTS, id)} == {zoe, ann}
    other = Day()
    refused(say(day, "arrive", id, other.person()), NOT_FOUND)


def test_an_arrival_that_is_heard_of_only_after_the_no_show_was_said_is_flagged() -> None:
    day, id, _ = arranged()
    applied(say(day, "no_show", id))
    applied(say(day, "arrive", id, occurred_at=NOON - timedelta(minutes=4)))
    assert flags(day) == ["no_show_after_arrival"]
    assert read(day, id) == "no_show", "it is older than the no-show"


def test_who_came_and_went_and_came_back_is_here_since_the_first_time() -> None:
    day, id, (zoe,) = arranged()
    for what, minute in (("arrive", 1), ("no_show", 5), ("arrive", 9)):
        day.now = NOON + timedelta(minutes=minute)
        applied(say(day, what, id))
    assert read(day, id) == "checked_in"
    arrived = standing(day.state.find(FACTS, id))[zoe].arrived
    assert arrived is not None
    assert arrived.occurred_at == NOON + timedelta(minutes=1)
    day.now = NOON + timedelta(minutes=12)
    applied(say(day, "no_show", id))
    assert read(day, id) == "no_show"


def test_a_flag_is_the_same_before_and_after_json() -> None:
    day, id, _ = arranged()
    applied(say(day, "arrive", id))
    applied(say(day, "arrive", id))
    (flag,) = day.state.rows[Flag].values()
    assert msgspec.json.decode(msgspec.json.encode(flag), type=Flag) == flag
    assert flag.details["occurred_at"] == "2026-05-02T12:00:00Z"


def test_an_undo_settles_the_flag_that_the_fact_had_raised() -> None:
    day, id, _ = arranged()
    said = new_id()
    applied(say(day, "perform", id, id=said))
    applied(undo(day, said))
    (flag,) = day.state.rows[Flag].values()
    assert (flag.resolution, flag.resolved_by, flag.resolved_at) == ("undone", "Ada", NOON)


def test_an_undo_leaves_a_flag_that_somebody_settled_before() -> None:
    day, id, _ = arranged()
    said = new_id()
    applied(say(day, "perform", id, id=said))
    (flag,) = day.state.rows[Flag].values()
    applied(day.do("flag.resolve", {"flag_id": flag.id, "resolution": "asked the judges"}))
    applied(undo(day, said))
    assert day.state.rows[Flag][flag.id].resolution == "asked the judges"


def test_an_undo_of_another_programme_does_nothing() -> None:
    day, id, _ = arranged()
    said = new_id()
    applied(say(day, "arrive", id, id=said))
    refused(undo(day, said, programme=new_id()), NOTHING_TO_UNDO)
    refused(undo(day, said, role="public"), NOT_ALLOWED)


def test_facts_are_appended_never_changed() -> None:
    day, id, _ = arranged()
    said = new_id()
    applied(say(day, "arrive", id, id=said))
    before = dict(day.state.rows[Attendance])
    applied(undo(day, said))
    applied(say(day, "no_show", id))
    assert before.items() <= day.state.rows[Attendance].items()
    assert len(day.state.rows[Attendance]) == 3

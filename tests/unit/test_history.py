"""The ledger in words: special sentences, and every kind of command there is without an id or a snake_case word."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec import inspect

from server_sync.protocol.errors import SLOT_FULL
from server_sync.protocol.ids import Id, derived_id
from server_sync.rules.clock_words import Clock, counted, listed
from server_sync.rules.history import Called, Change, Entry, ids_in, past, sentence
from server_sync.rules.registry import RULES

NOW = datetime(2027, 3, 14, 14, 3, tzinfo=UTC)
_ROOT = "00000000-0000-4000-8000-000000000001"


def named(name: str) -> Id:
    """The same id for the same name."""
    return derived_id(_ROOT, name)


def _names() -> dict[Id, Called]:
    ten, twenty = (NOW.replace(hour=10, minute=minute) for minute in (0, 20))
    rows = [
        Called(id=named("ada"), table="participants", name="Ada Okafor"),
        Called(id=named("zoe"), table="participants", name="Zoë Ferrante"),
        Called(id=named("room"), table="locations", name="Great Hall"),
        Called(id=named("event"), table="events", name="Piano solo"),
        Called(id=named("group"), table="groups", name="Choir"),
        Called(id=named("slot"), table="event_slots", name="Piano solo", room="Great Hall", start_time=ten),
        Called(id=named("later"), table="event_slots", name="Piano solo", room="Small Hall", start_time=twenty),
        Called(id=named("violin"), table="event_slots", name="Violin", room="Small Hall", start_time=twenty),
        Called(id=named("block"), table="event_time_blocks", name="Piano solo", room="Great Hall", start_time=ten),
        Called(id=named("claim"), table="slot_reservations", name="Zoë Ferrante", people=[named("zoe")]),
        Called(id=named("other"), table="slot_reservations", name="Ada Okafor", people=[named("ada")]),
        Called(id=named("check-in"), table="commands", name="attendance.arrive"),
        Called(id=named("flag"), table="flags", name="arrived_twice"),
        Called(id=named("desk"), table="devices", name="Desk 2"),
        Called(id=named("staff"), table="staff", name="Grace"),
    ]
    return {row.id: row for row in rows}


NAMES = _names()


def told(kind: str, args: dict[str, Any], *effects: Any, about: str | None = None, **more: Any) -> str:
    """The sentence in London."""
    fields: dict[str, Any] = {"status": "applied", "actor": "Ada", "received_at": NOW} | more
    entry = Entry(kind=kind, args=args, effects=[Change(*effect) for effect in effects], **fields)
    return sentence(entry, NAMES, Clock("Europe/London"), None if about is None else named(about)).words


def claim(id: str, before: dict[str, Any] | None, after: dict[str, Any]) -> tuple[Any, ...]:
    """An effect on a reservation."""
    return "slot_reservations", named(id), before, after


MOVE = {"reservation_id": named("claim"), "slot_id": named("later")}


def test_a_move_names_both_slots_and_the_event_once() -> None:
    effect = claim("claim", {"slot_id": named("slot")}, {"slot_id": named("later")})
    assert told("reservation.move", MOVE, effect) == (
        "14:03 Ada moved Zoë Ferrante from Piano solo 10:00 (Great Hall) to 10:20 (Small Hall)"
    )
    effect = claim("claim", {"slot_id": named("slot")}, {"slot_id": named("violin")})
    assert told("reservation.move", MOVE | {"slot_id": named("violin")}, effect).endswith(
        "to Violin 10:20 (Small Hall)"
    )


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC"])
@pytest.mark.parametrize("far", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_a_time_beyond_the_calendar_of_a_zone_is_told_too(zone: str, far: datetime) -> None:
    clock = Clock(zone)
    assert re.fullmatch(r"\d\d:\d\d", clock.time(far))
    assert clock.moment(far, NOW)
    assert clock.long_day(far)
    entry = Entry(
        kind="attendance.arrive", args={"reservation_id": named("claim")}, status="applied", actor="Ada",
        received_at=NOW, effects=[Change("attendance", named("fact"), None, {"occurred_at": far.isoformat()})],
    )  # fmt: skip
    assert "Ada" in sentence(entry, NAMES, clock).words


def test_a_refusal_says_what_was_asked_and_why_not() -> None:
    words = told("reservation.move", MOVE, status="rejected", code=SLOT_FULL, device="Desk 2")
    assert words == (
        "14:03 Ada at Desk 2 asked to move Zoë Ferrante to Piano solo 10:20 (Small Hall): refused, the slot is full"
    )
    words = told("reservation.move", MOVE, status="rejected", code="NEW_CODE", actor="Desk 2", device="Desk 2")
    assert words.startswith("14:03 Desk 2 asked to move Zoë")
    assert words.endswith("refused, the request was refused")
    assert told("reservation.move", MOVE, status="failed").endswith(": that failed")


def test_a_check_in_its_undoing_and_one_keyed_in_later() -> None:
    args = {"reservation_id": named("claim")}
    fact = ("attendance", named("fact"), None, {"occurred_at": "2027-03-14T14:02:30Z", "participant_id": named("zoe")})
    assert told("attendance.arrive", args, fact) == "14:03 Ada checked in Zoë Ferrante"
    fact[3]["occurred_at"] = "2027-03-14T13:40:00Z"
    assert told("attendance.arrive", args, fact).endswith("(that was at 13:40)")
    undone = ("attendance", named("undo"), None, {"kind": "undone", "participant_id": named("zoe")})
    assert told("attendance.undo", {"command_id": named("check-in")}, undone) == (
        "14:03 Ada undid the check-in of Zoë Ferrante"
    )
    assert told("attendance.no_show", args) == "14:03 Ada marked Zoë Ferrante as not there"


def test_a_reservation_may_wait_or_be_held() -> None:
    args = {"slot_id": named("slot"), "participant_ids": [named("zoe"), named("ada")]}
    for state, words in (
        ("reserved", "reserved Piano solo 10:00 (Great Hall) for Zoë Ferrante and Ada Okafor"),
        ("waitlisted", "put Zoë Ferrante and Ada Okafor on the waitlist of Piano solo 10:00 (Great Hall)"),
        ("held", "held Piano solo 10:00 (Great Hall) for Zoë Ferrante and Ada Okafor"),
    ):
        effect = claim("claim", None, {"claim": state, "slot_id": named("slot")})
        assert told("reservation.reserve", args, effect) == f"14:03 Ada {words}"
    words = told("reservation.hold", args, status="rejected", code=SLOT_FULL)
    assert words.startswith("14:03 Ada asked to hold Piano solo 10:00 (Great Hall) for Zoë Ferrante and Ada Okafor")
    assert told("reservation.reserve", {"slot_id": named("nowhere"), "reserved_name": "Bo"}, actor="public") == (
        "14:03 A visitor reserved an unknown slot for Bo"
    )


def test_who_was_only_affected_is_told_what_it_did_to_them() -> None:
    promoted = claim("other", {"claim": "waitlisted"}, {"claim": "reserved"})
    cancelled = claim("claim", {"claim": "reserved"}, {"claim": "cancelled"})
    args, details = {"reservation_id": named("claim"), "reason": "ill"}, {"slot_id": named("slot")}
    act = "Ada cancelled the reservation of Zoë Ferrante in Piano solo 10:00 (Great Hall) (reason: ill)"
    for about in ("other", "ada"):
        words = told("reservation.cancel", args, cancelled, promoted, about=about, details=details)
        assert words == f"14:03 Ada Okafor was promoted from the waitlist when {act}"
    for about in ("claim", "zoe", "slot"):
        words = told("reservation.cancel", args, cancelled, promoted, about=about, details=details)
        assert words == f"14:03 {act}; Ada Okafor was promoted from the waitlist"


def test_many_consequences_are_counted() -> None:
    lost = [claim(f"c{n}", {"claim": "reserved"}, {"claim": "cancelled"}) for n in range(12)]
    words = told("event.cancel", {"event_id": named("event")}, *lost)
    assert words == "14:03 Ada cancelled the event Piano solo; that changed 12 other reservations too"


@pytest.mark.parametrize(
    ("kind", "args", "words"),
    [
        ("slot.block", {"slot_id": named("slot"), "reason": "the piano"},
         "blocked the slot Piano solo 10:00 (Great Hall) (reason: the piano)"),
        ("slot.unblock", {"slot_id": named("slot")}, "unblocked the slot Piano solo 10:00 (Great Hall)"),
        ("block.postpone", {"block_id": named("block")}, "postponed the time block Piano solo 10:00 (Great Hall)"),
        ("location.close", {"location_id": named("room")}, "closed everything in Great Hall"),
        ("participant.merge", {"participant_id": named("ada"), "duplicate_id": named("zoe")},
         "merged the duplicate Zoë Ferrante into Ada Okafor"),
        ("participant.retire", {"participant_id": named("zoe")}, "took Zoë Ferrante out of the programme"),
        ("group.set_members", {"group_id": named("group")}, "set the members of the group Choir"),
        ("slot.open_seats", {"slot_id": named("slot")}, "opened the seats of the slot Piano solo 10:00 (Great Hall)"),
        ("event.postpone", {"event_id": named("event"), "minutes": -15},
         "brought forward the event Piano solo by 15 minutes"),
        ("location.postpone", {"location_id": named("room"), "from_time": "2027-03-14T09:00:00Z", "minutes": 20},
         "postponed everything in Great Hall from Sun 14 Mar 09:00 by 20 minutes"),
        ("location.cancel", {"location_id": named("room"), "from_time": "2027-03-14T09:00:00Z", "reason": "a flood"},
         "cancelled everything in Great Hall from Sun 14 Mar 09:00 (reason: a flood)"),
        ("room_day.on_stage", {"location_id": named("room")}, "said that nobody is on stage in Great Hall"),
        ("room_day.on_stage", {"location_id": named("room"), "reservation_id": named("claim")},
         "sent Zoë Ferrante on stage in Great Hall"),
        ("reservation.walk_in", {"slot_id": named("slot"), "first_name": "Bo", "last_name": "Lee"},
         "took Bo Lee as a walk-in for Piano solo 10:00 (Great Hall)"),
        ("reservation.confirm", {"reservation_id": named("claim")}, "confirmed the reservation of Zoë Ferrante"),
        ("reservation.reinstate", {"reservation_id": named("claim")}, "reinstated the reservation of Zoë Ferrante"),
        ("reservation.swap", {"reservation_id": named("claim"), "with_id": named("other")},
         "swapped Zoë Ferrante and Ada Okafor"),
        ("waitlist.promote", {"reservation_ids": [named("claim"), named("other")]},
         "promoted Zoë Ferrante and Ada Okafor from the waitlist"),
        ("room_day.call", {"location_id": named("room"), "reservation_id": named("claim")},
         "called Zoë Ferrante to Great Hall"),
        ("room_day.delay", {"location_id": named("room"), "day": "2027-03-14", "delay_minutes": -1},
         "said that Great Hall runs 1 minute early on Sun 14 Mar"),
        ("flag.resolve", {"flag_id": named("flag"), "resolution": "seen"},
         "settled the flag “arrived twice” with “seen”"),
        ("bell.sound_off", {}, "sounded off the bell"),
    ],
)  # fmt: skip
def test_a_kind_in_words(kind: str, args: dict[str, Any], words: str) -> None:
    assert told(kind, args) == f"14:03 Ada {words}"


def test_a_changed_row_says_what_changed_but_no_contact() -> None:
    before = {"age": 11, "contact": "x@example.org", "school": None, "group_id": named("group")}
    after = {"age": 12, "contact": "y@example.org", "school": "St Anne", "group_id": None}
    words = told("participant.update", {"participant_id": named("zoe")}, ("participants", named("zoe"), before, after))
    assert words == (
        "14:03 Ada updated Zoë Ferrante: age from 11 to 12, contact, school from nothing to “St Anne”,"
        " group from Choir to nothing"
    )


def test_a_slot_of_another_day_bears_its_day() -> None:
    day_before = NOW.replace(day=13, hour=23, minute=30)
    words = told("slot.block", {"slot_id": named("slot")}, received_at=day_before)
    assert words == "23:30 Ada blocked the slot Piano solo Sun 14 Mar 10:00 (Great Hall)"
    entry = Entry(kind="slot.block", status="applied", actor="Ada", received_at=day_before)
    assert sentence(entry, NAMES, Clock("Asia/Tokyo")).day == "Sunday 14 March 2027"
    assert sentence(entry, NAMES, Clock("Asia/Tokyo")).words.startswith("08:30 ")


# ------------------------------------------------------------- every kind


def sample(type: inspect.Type, name: str) -> Any:
    """A value of an argument, as JSON has it; ids are of rows that are known."""
    match type:
        case inspect.StrType(pattern=pattern) if pattern and "0-9a-f" in pattern:
            words = ("slot", "room", "event", "group", "block", "flag", "desk", "staff")
            aliases = {"location": "room", "device": "desk", "reservation": "claim", "participant": "zoe"}
            key = next((part for part in (*aliases, *words) if part in name), "unheard of")
            return named(aliases.get(key, key))
        case inspect.StrType(min_length=least):
            return "x" * (least or 1)
        case inspect.BoolType():
            return True
        case inspect.IntType(ge=least):
            return least or 1
        case inspect.DateTimeType():
            return NOW.isoformat()
        case inspect.DateType():
            return date(2027, 3, 14).isoformat()
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.UnionType(types=types):
            return sample(next(each for each in types if not isinstance(each, inspect.NoneType)), name)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return [sample(item, name)]
        case inspect.StructType(fields=fields):
            return {field.encode_name: sample(field.type, field.encode_name) for field in fields}
    return {}


@pytest.mark.parametrize("status", ["applied", "rejected", "failed"])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("kind", sorted(RULES))
def test_every_kind_reads(kind: str, known: bool, status: str) -> None:
    described = inspect.type_info(RULES[kind].args)
    args: dict[str, Any] = sample(described, "")
    new = {"display_name": "Zoë", "claim": "reserved", "slot_id": named("slot")}
    changed = claim("other", {"claim": "waitlisted"}, {"claim": "reserved"})
    effects = [Change("participants", named("zoe"), None, new), Change(*changed)] if status == "applied" else []
    nothing: dict[str, Any] = {}
    for given in (args, nothing):
        entry = Entry(
            kind=kind, status=status, actor="Ada", received_at=NOW, args=given, effects=effects,
            code=SLOT_FULL if status == "rejected" else None,
        )  # fmt: skip
        words = sentence(entry, NAMES if known else {}, Clock("UTC")).words
        assert re.match(r"14:03 Ada [a-z]+ [a-zA-Z0-9“]", words), words
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", words), words
        assert not re.search(r"[a-zA-Z]_[a-zA-Z]", words), words
        assert not re.search(r"\bNone\b|\{|\}|\[|\]|  |\.\w|\s$", words), words
        assert len(words.split()) >= 4, words


def test_a_kind_that_nobody_knew_reads_too() -> None:
    words = told("seat_map.put_up", {"location_id": named("room"), "seats": [{"row": "A"}]})
    assert words == "14:03 Ada put up the seat map"


@pytest.mark.parametrize(
    ("verb", "done"), [("move", "moved"), ("block", "blocked"), ("notify", "notified"), ("cancel", "cancelled"),
                       ("hold", "held"), ("play", "played"), ("set", "set")],
)  # fmt: skip
def test_what_was_done(verb: str, done: str) -> None:
    assert past(verb) == done


def test_ids_are_found_however_deep() -> None:
    one, other = named("one"), named("other")
    assert list(ids_in({"a": [{"b": one}], "c": (other, "x", 3, None), one: 1})) == [one, other]


def test_lists_and_numbers_in_words() -> None:
    assert [listed(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == ["", "A", "A and B", "A, B and C"]
    assert listed(["A", "B", "C", "D"]) == "A, B, C and 1 other"
    assert (counted(1, "minute"), counted(0, "minute"), counted(2, "entry", "entries")) == (
        "1 minute", "0 minutes", "2 entries",
    )  # fmt: skip

"""The words of those kinds of commands of which "did the thing to the noun" would read badly.

Each gives the verb as it was done, the verb as it was asked for, and what follows either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from server_sync.protocol.ids import Id
from server_sync.rules.clock_words import counted, listed
from server_sync.rules.history_objects import Said, object_of, quoted

Phrase = tuple[str, str, str]
"""``moved``, ``move``, ``Zoë from … to …``."""

_TAKEN: Final[dict[str, Callable[[str, str], Phrase]]] = {
    "waitlisted": lambda people, slot: ("put", "put", f"{people} on the waitlist of {slot}"),
    "held": lambda people, slot: ("held", "hold", f"{slot} for {people}"),
}


def _reserve(said: Said) -> Phrase:
    people, slot = said.people(), _slot(said)
    asked = "held" if said.entry.kind == "reservation.hold" else "reserved"
    taken = _TAKEN.get(str(said.changed("slot_reservations", _new_claim(said)).get("claim", asked)))
    return taken(people, slot) if taken is not None else ("reserved", "reserve", f"{slot} for {people}")


def _new_claim(said: Said) -> Id | None:
    return next((row.id for row in said.entry.effects if row.table == "slot_reservations" and row.before is None), None)


def _slot(said: Said) -> str:
    """The slot that the command names or wrote about, or whichever there was of an event."""
    slot = said.first("slot_id") or said.changed("slot_reservations", _new_claim(said)).get("slot_id")
    event = said.first("event_id")
    return said.slot(slot, said.name(event, "an unknown event") if event else "an unknown slot")


def _override(said: Said) -> Phrase:
    return "gave", "give", f"{said.people()} a place in {_slot(said)} by override"


def _walk_in(said: Said) -> Phrase:
    return "took", "take", f"{said.people()} as a walk-in for {_slot(said)}"


def _move(said: Said) -> Phrase:
    reservation = said.first("reservation_id")
    before = said.was("slot_reservations", reservation, "slot_id")
    slot = said.first("slot_id")
    return "moved", "move", f"{said.whose(reservation)} {said.from_to(before, slot)}"


def _swap(said: Said) -> Phrase:
    ids = [id for id in said.ids(*said.entry.args) if said.names.get(id) is not None]
    claims = [said.whose(id) for id in ids if said.names[id].table == "slot_reservations"]
    return "swapped", "swap", listed(claims) or "two reservations"


def _cancel(said: Said) -> Phrase:
    slot = said.entry.details.get("slot_id")
    place = f" in {said.slot(slot)}" if slot is not None and said.entry.status == "applied" else ""
    return "cancelled", "cancel", f"the reservation of {said.people()}{place}"


def _facts(done: str, ask: str, after: str = "") -> Callable[[Said], Phrase]:
    return lambda said: (done, ask, f"{said.people()}{after}")


def _undo(said: Said) -> Phrase:
    command = said.first("command_id")
    what = {
        "attendance.arrive": "the check-in of", "attendance.perform": "that somebody performed:",
        "attendance.no_show": "the no-show of",
    }.get(said.name(command, ""), "what was recorded of")  # fmt: skip
    facts = [row for row in said.entry.effects if row.table == "attendance"]
    people = dict.fromkeys(
        said.name(row.after.get("participant_id"), said.whose(row.after.get("reservation_id"))) for row in facts
    )
    return "undid", "undo", f"{what} {listed(list(people)) or 'somebody'}"


def _delay(said: Said) -> Phrase:
    room = said.name(said.first("location_id"), "an unknown room")
    minutes = said.entry.args.get("delay_minutes")
    amount = minutes if isinstance(minutes, int) else 0
    how = f"runs {counted(abs(amount), 'minute')} {'late' if amount > 0 else 'early'}" if amount else "runs on time"
    return "said", "say", f"that {room} {how} on {said.day(said.entry.args.get('day'))}"


def _stage(said: Said) -> Phrase:
    if not said.first("reservation_id"):
        return "said", "say", f"that nobody is on stage in {said.name(said.first('location_id'), 'an unknown room')}"
    return _at_room("sent", "send", "on stage in")(said)


def _at_room(done: str, ask: str, where: str) -> Callable[[Said], Phrase]:
    def phrase(said: Said) -> Phrase:
        room = said.name(said.first("location_id"), "the room")
        return done, ask, f"{said.people()} {where} {room}"

    return phrase


def _promote(said: Said) -> Phrase:
    return "promoted", "promote", f"{said.people()} from the waitlist"


def _remove(said: Said) -> Phrase:
    return "took", "take", f"{said.people()} off the waitlist"


def _expire(said: Said) -> Phrase:
    claims = [row.id for row in said.entry.effects if row.table == "slot_reservations" and _expired(row.after)]
    ids = said.ids("reservation_id", "reservation_ids") or claims
    whose = listed([said.whose(id) for id in ids])
    return "let", "let", f"the hold of {whose} expire" if whose else "holds expire whose time was over"


def _expired(after: dict[str, Any]) -> bool:
    return after.get("claim") == "expired"


def _create(said: Said) -> Phrase:
    noun = said.entry.kind.rpartition(".")[0]
    return "added", "add", object_of(said, noun)


def _block(said: Said) -> Phrase:
    event = said.name(said.first("event_id"), "an unknown event")
    room = said.name(said.first("location_id"), "an unknown room")
    start, end = (said.moment(said.entry.args.get(name)) for name in ("start_time", "end_time"))
    when = f", {said.clock.span(start, end)}" if start is not None and end is not None else ""
    return "set up", "set up", f"a time block of {event} in {room}{when}"


def _generate(said: Said) -> Phrase:
    made = sum(row.table == "event_slots" and row.before is None for row in said.entry.effects)
    return "divided", "divide", f"{object_of(said, 'block')} into {counted(made, 'slot') if made else 'slots'}"


def _merge(said: Said) -> Phrase:
    duplicate, kept = (said.whose(said.first(name)) for name in ("duplicate_id", "participant_id"))
    return "merged", "merge", f"the duplicate {duplicate} into {kept}"


def _erase(said: Said) -> Phrase:
    return "erased", "erase", "what was known of a person"


def _room(done: str, ask: str) -> Callable[[Said], Phrase]:
    """A room's slots from one time to another, or for good."""

    return lambda said: (done, ask, _in_room(said))


def _in_room(said: Said) -> str:
    room = said.name(said.first("location_id"), "an unknown room")
    start, end = (said.moment(said.entry.args.get(name)) for name in ("from_time", "to_time"))
    parts = [f"{word} {said.clock.moment(at)}" for word, at in (("from", start), ("to", end)) if at is not None]
    return " ".join([f"everything in {room}", *parts])


def _postpone(said: Said) -> Phrase:
    noun = said.entry.kind.partition(".")[0]
    what = _in_room(said) if noun == "location" else object_of(said, noun)
    minutes, start = said.entry.args.get("minutes"), said.moment(said.entry.args.get("start_time"))
    if isinstance(minutes, int):
        done, ask = ("postponed", "postpone") if minutes >= 0 else ("brought forward", "bring forward")
        return done, ask, f"{what} by {counted(abs(minutes), 'minute')}"
    return "postponed", "postpone", what if start is None else f"{what} to {said.clock.moment(start)}"


def _assign(said: Said) -> Phrase:
    made = [row.id for row in said.entry.effects if row.table == "slot_reservations" and row.before is None]
    return "assigned", "assign", f"{listed([said.whose(id) for id in made]) or 'several people'} to slots"


def _retire(said: Said) -> Phrase:
    return "took", "take", f"{object_of(said, said.entry.kind.rpartition('.')[0])} out of the programme"


def _seats(said: Said) -> Phrase:
    seats = said.entry.args.get("seats") or said.entry.args.get("seat_ids")
    number = counted(len(seats), "seat") if isinstance(seats, list) and seats else "seats"
    adds = said.entry.kind.endswith("create")
    room = said.first("location_id")
    place = f" {'to' if adds else 'from'} {said.name(room, 'an unknown room')}" if room else ""
    return ("added" if adds else "removed"), ("add" if adds else "remove"), number + place


def _resolve(said: Said) -> Phrase:
    resolution = said.text("resolution")
    return "settled", "settle", object_of(said, "flag") + (f" with {quoted(resolution)}" if resolution else "")


def _invite(said: Said) -> Phrase:
    return "invited", "invite", f"a desk called {said.text('name') or 'nothing'}"


def _enrol(said: Said) -> Phrase:
    return "enrolled", "enrol", object_of(said, "device")


def _staff(said: Said) -> Phrase:
    role = str(said.entry.args.get("role", "staff")).replace("_", " ")
    return "added", "add", f"{said.text('name') or 'somebody'} to the staff as {role}"


def _revoke(said: Said) -> Phrase:
    return "withdrew", "withdraw", f"the access of {object_of(said, said.entry.kind.partition('.')[0])}"


def _import(said: Said) -> Phrase:
    document = said.entry.args.get("document")
    file = said.entry.details.get("file") or (document.get("file") if isinstance(document, dict) else None)
    rows = said.entry.details.get("changed")
    changed = f": {counted(rows, 'row')} changed" if isinstance(rows, int) else ""
    return "imported", "import", f"the file {file or 'that was sent'}{changed}"


SPECIAL: Final[dict[str, Callable[[Said], Phrase]]] = {
    "reservation.reserve": _reserve,
    "reservation.hold": _reserve,
    "reservation.override": _override,
    "reservation.walk_in": _walk_in,
    "reservation.move": _move,
    "reservation.swap": _swap,
    "reservation.cancel": _cancel,
    "waitlist.promote": _promote,
    "waitlist.remove": _remove,
    "hold.expire": _expire,
    "attendance.arrive": _facts("checked in", "check in"),
    "attendance.perform": _facts("marked", "mark", " as performed"),
    "attendance.no_show": _facts("marked", "mark", " as not there"),
    "attendance.undo": _undo,
    "room_day.delay": _delay,
    "room_day.on_stage": _stage,
    "room_day.call": _at_room("called", "call", "to"),
    "room_day.skip": _at_room("skipped", "skip", "in"),
    "room_day.unskip": _at_room("put", "put", "back in line in"),
    "flag.resolve": _resolve,
    "reservation.assign": _assign,
    "location.close": _room("closed", "close"),
    "location.cancel": _room("cancelled", "cancel"),
    "location.reopen": _room("reopened", "reopen"),
    "location.postpone": _postpone,
    "event.postpone": _postpone,
    "block.postpone": _postpone,
    "seats.create": _seats,
    "seats.retire": _seats,
    "event_rules.create": _create,
    **{
        f"{noun}.retire": _retire
        for noun in (
            "event",
            "location",
            "participant",
            "group",
            "block",
            "slot",
            "event_rules",
        )
    },
    "programme.create": _create,
    "event.create": _create,
    "location.create": _create,
    "participant.create": _create,
    "group.create": _create,
    "slot.create": _create,
    "block.create": _block,
    "block.generate_slots": _generate,
    "participant.merge": _merge,
    "participant.erase": _erase,
    "device.invite": _invite,
    "device.enrol": _enrol,
    "device.revoke": _revoke,
    "staff.create": _staff,
    "staff.revoke": _revoke,
    "import.apply": _import,
}
"""By kind."""

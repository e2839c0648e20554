"""The ledger in words: who did what to whom, one sentence an entry. Pure: names come from whoever looks them up.

Every kind reads, also one that nobody has written words for: ``slot.block`` is somebody who blocked the slot.
``history_kinds`` has the words for those of which that would read badly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from server_sync.protocol.errors import WORDS
from server_sync.protocol.ids import Id, is_id
from server_sync.rules.clock_words import Clock, counted
from server_sync.rules.history_kinds import SPECIAL
from server_sync.rules.history_objects import ACTORS, Said, changes_of, object_of
from server_sync.rules.history_records import Called, Change, Entry

__all__ = ["Called", "Change", "Entry", "Sentence", "ids_in", "sentence"]

_PAST: Final = {
    "set": "set", "hold": "held", "undo": "undid", "override": "overrode", "take": "took", "give": "gave",
    "put": "put", "send": "sent", "withdraw": "withdrew", "split": "split", "cut": "cut", "begin": "began",
    "run": "ran", "swap": "swapped", "cancel": "cancelled", "stop": "stopped", "skip": "skipped", "drop": "dropped",
    "refer": "referred", "let": "let", "make": "made", "draw": "drew", "submit": "submitted", "permit": "permitted",
    "unskip": "unskipped",
    "pay": "paid", "enrol": "enrolled", "unset": "unset", "leave": "left", "get": "got", "plan": "planned",
}  # fmt: skip
_PARTICLES: Final = frozenset({"up", "off", "out", "in", "on", "down", "back", "over", "away"})
_LATER: Final = 60.0
"""Seconds by which a fact may come late before the sentence says so."""

_CLAIMS: Final = {
    ("waitlisted", "reserved"): "was promoted from the waitlist",
    ("waitlisted", "cancelled"): "was taken off the waitlist",
    ("reserved", "cancelled"): "lost the place",
    ("held", "cancelled"): "lost the held place",
    ("held", "expired"): "lost the held place, whose time was over",
    ("held", "reserved"): "was confirmed",
    ("cancelled", "reserved"): "got the place back",
    ("reserved", "waitlisted"): "was put back on the waitlist",
}


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as people read it: the day, and what happened, beginning with the time."""

    day: str
    words: str


class Consequence(NamedTuple):
    """What a command did to a claim that it does not name."""

    reservation_id: Id
    words: str


def sentence(entry: Entry, names: Mapping[Id, Called], clock: Clock, about: Id | None = None) -> Sentence:
    """*entry* as a sentence; in the history of *about*, from its point of view where it was only affected."""
    said = Said(entry, names, clock)
    words = _command(said)
    consequences = _consequences(said) if entry.status == "applied" else []
    mine = [found for found in consequences if _concerns(said, found.reservation_id, about)]
    if mine and about not in _named(said):
        words = f"{' and '.join(found.words for found in mine)} when {_within(entry, words)}"
    elif consequences:
        words += "; " + _summary(consequences)
    return Sentence(day=clock.long_day(entry.received_at), words=f"{clock.time(entry.received_at)} {words}")


def ids_in(value: Any) -> Iterator[Id]:
    """Every id in arguments, details or effects, as the one who looks names up needs them."""
    if isinstance(value, str):
        if is_id(value):
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from ids_in(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from ids_in(part)


def _command(said: Said) -> str:
    """``Ada moved …``, or ``Ada asked to move …: refused, the slot is full``."""
    entry = said.entry
    done, ask, rest = _phrase(said)
    actor = _actor(entry)
    reason = next((text for name in ("reason", "waive_reason", "override_reason") if (text := said.text(name))), None)
    rest += f" (reason: {reason})" if reason else ""
    if entry.status == "applied":
        return f"{actor} {done} {rest}".rstrip() + _late(said)
    asked = f"{actor} asked to {ask} {rest}".rstrip()
    return f"{asked}: refused, {_why(entry.code)}" if entry.status == "rejected" else f"{asked}: that failed"


def _actor(entry: Entry) -> str:
    actor = ACTORS.get(entry.actor, entry.actor)
    return actor if entry.device in (None, entry.actor) else f"{actor} at {entry.device}"


def _within(entry: Entry, words: str) -> str:
    """The sentence as it stands in another: an actor that is no name begins small."""
    common = ACTORS.get(entry.actor, "").startswith(("The ", "A "))
    return words[:1].lower() + words[1:] if common else words


def _why(code: str | None) -> str:
    words = WORDS.get(code or "", "The request was refused.").rstrip(".")
    return words[:1].lower() + words[1:]


def _late(said: Said) -> str:
    """When a fact happened, where it was heard of only later."""
    facts = [change for change in said.entry.effects if change.table == "attendance" and change.before is None]
    for fact in facts:
        at = said.moment(fact.after.get("occurred_at"))
        if at is not None and (said.entry.received_at - at).total_seconds() >= _LATER:
            return f" (that was at {said.clock.moment(at, said.entry.received_at)})"
    return ""


def _phrase(said: Said) -> tuple[str, str, str]:
    """The verb as done and as asked for, and what follows it."""
    special = SPECIAL.get(said.entry.kind)
    if special is not None:
        return special(said)
    noun, _, verb = said.entry.kind.rpartition(".")
    first, _, more = verb.replace("-", "_").partition("_")
    rest = object_of(said, noun)
    if more in _PARTICLES or not more:
        tail = f" {more}".rstrip()
    else:
        tail = f" the {more.replace('_', ' ')} of"
    changed = changes_of(said, noun) if first in ("update", "change", "edit", "set", "rename") else ""
    return past(first) + tail, first + tail, f"{rest}{': ' + changed if changed else ''}"


def past(verb: str) -> str:
    """``moved`` for ``move``."""
    if verb in _PAST:
        return _PAST[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + "ed"


def _consequences(said: Said) -> list[Consequence]:
    """What happened to claims that the command does not name."""
    named, found = set(ids_in(said.entry.args)), []
    for change in said.entry.effects:
        if change.table != "slot_reservations" or change.before is None or change.id in named:
            continue
        words = _claim_words(said, change)
        if words is not None:
            found.append(Consequence(change.id, f"{said.whose(change.id)} {words}"))
    return found


def _claim_words(said: Said, change: Change) -> str | None:
    before, after = change.before or {}, change.after
    step = _CLAIMS.get((before.get("claim", ""), after.get("claim", "")))
    if step is None and "slot_id" in after and "slot_id" in before:
        return f"was moved from {said.slot(before['slot_id'])} to {said.slot(after['slot_id'])}"
    if step is not None and after.get("slot_id"):
        return f"{step} to {said.slot(after['slot_id'])}"
    return step


def _summary(consequences: list[Consequence]) -> str:
    if len(consequences) > 3:
        return f"that changed {counted(len(consequences), 'other reservation')} too"
    return ", ".join(found.words for found in consequences)


def _concerns(said: Said, reservation_id: Id, about: Id | None) -> bool:
    called = said.names.get(reservation_id)
    return about is not None and (about == reservation_id or (called is not None and about in called.people))


def _named(said: Said) -> set[Id]:
    """What the command is about: the ids that it names, and the people of the reservations among them."""
    named = set(ids_in(said.entry.args))
    for id in list(named):
        called = said.names.get(id)
        if called is not None and called.table == "slot_reservations":
            named.update(called.people)
    return named

"""What stands of a claim's facts, and the one word that people see for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Attendance, SlotReservation

Word = Literal[
    "held", "waitlisted", "reserved", "confirmed", "checked_in", "performed", "no_show", "cancelled", "expired"
]


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts of one member that count: of each kind the earliest that nobody undid.

    Whether somebody is there is another question: who came, was missed and came back is, so the latest word counts.
    """

    arrived: Attendance | None = None
    performed: Attendance | None = None
    no_show: Attendance | None = None
    last_arrived: Attendance | None = None
    last_no_show: Attendance | None = None

    @property
    def word(self) -> Literal["performed", "checked_in", "no_show"] | None:
        """What happened to the member last, or None if nothing did."""
        if self.performed is not None:
            return "performed"
        here, gone = self.last_arrived, self.last_no_show
        if here is not None and (gone is None or gone.occurred_at <= here.occurred_at):
            return "checked_in"
        return "no_show" if gone is not None else None


def that_stand(facts: Iterable[Attendance]) -> list[Attendance]:
    """*facts* without the undone ones and without the undoing, in order of time (then of id, so that all agree)."""
    facts = list(facts)
    undone = {(fact.undoes, fact.reservation_id, fact.participant_id) for fact in facts if fact.kind == "undone"}
    standing = [
        fact
        for fact in facts
        if fact.kind != "undone" and (fact.command_id, fact.reservation_id, fact.participant_id) not in undone
    ]
    return sorted(standing, key=_when)


def _when(fact: Attendance) -> tuple[datetime, Id]:
    return fact.occurred_at, fact.id


def standing(facts: Iterable[Attendance]) -> dict[Id | None, Standing]:
    """By whom *facts* name (None where they name nobody) what counts of them."""
    return {person: _counted(said) for person, said in _by_person(facts).items()}


def party(members: Iterable[Id], facts: Iterable[Attendance]) -> dict[Id | None, Standing]:
    """By each who is in a claim now what counts of its *facts*; of a claim by a name alone that is nobody, None.

    What was said of the claim and nobody in particular counts for each. Who left the party is asked about no more.
    """
    said = _by_person(facts)
    of_all = said.pop(None, [])
    there: list[Id | None] = [*members] or [None]
    return {member: _counted(sorted([*said.get(member, ()), *of_all], key=_when)) for member in there}


def _by_person(facts: Iterable[Attendance]) -> dict[Id | None, list[Attendance]]:
    said: dict[Id | None, list[Attendance]] = defaultdict(list)
    for fact in that_stand(facts):
        said[fact.participant_id].append(fact)
    return said


def _counted(facts: Iterable[Attendance]) -> Standing:
    """What counts of one person's facts, which are in order."""
    first: dict[str, Attendance] = {}
    last: dict[str, Attendance] = {}
    for fact in facts:
        first.setdefault(fact.kind, fact)
        last[fact.kind] = fact
    return Standing(
        first.get("arrived"), first.get("performed"), first.get("no_show"), last.get("arrived"), last.get("no_show")
    )


def word(claim: SlotReservation, members: Iterable[Id], facts: Iterable[Attendance]) -> Word:
    """The derived state of a claim: of a party the furthest that anybody in it came; a no-show only if all of it is."""
    if claim.claim != "reserved":
        return claim.claim
    words = {member.word for member in party(members, facts).values()}
    if "performed" in words:
        return "performed"
    if "checked_in" in words:
        return "checked_in"
    if words == {"no_show"}:
        return "no_show"
    return "confirmed" if claim.confirmed_at is not None else "reserved"

"""What stands of a claim's facts, and the one word that people see for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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
    return sorted(standing, key=lambda fact: (fact.occurred_at, fact.id))


def standing(facts: Iterable[Attendance]) -> dict[Id | None, Standing]:
    """By member (None where the claim names no participant) what counts of *facts*."""
    first: dict[Id | None, dict[str, Attendance]] = {}
    last: dict[Id | None, dict[str, Attendance]] = {}
    for fact in that_stand(facts):
        first.setdefault(fact.participant_id, {}).setdefault(fact.kind, fact)
        last.setdefault(fact.participant_id, {})[fact.kind] = fact
    return {
        member: Standing(
            kinds.get("arrived"),
            kinds.get("performed"),
            kinds.get("no_show"),
            last[member].get("arrived"),
            last[member].get("no_show"),
        )
        for member, kinds in first.items()
    }


def word(claim: SlotReservation, facts: Iterable[Attendance]) -> Word:
    """The derived state of a claim: of a party, the furthest that any member came."""
    if claim.claim != "reserved":
        return claim.claim
    words = {member.word for member in standing(facts).values()}
    for reached in ("performed", "checked_in", "no_show"):
        if reached in words:
            return reached
    return "confirmed" if claim.confirmed_at is not None else "reserved"

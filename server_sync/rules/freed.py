"""What a change gives to those who wait: the slots and events in which somebody may have a place now.

A place that came free is one reason. A person whose time has changed is another: who is free now can come, and who is
elsewhere now is in nobody's way.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from server_sync.protocol.ids import Id
from server_sync.protocol.records import ReservationMember, SlotReservation
from server_sync.rules.draft import Draft
from server_sync.rules.state import COMMITMENTS, MEMBERS, Keys, State, takes_places

Freed = dict[Id, set[Id]]
"""By event: its slots in which somebody may have a place now, and itself where that may be any of them."""


def add(freed: Freed, more: Freed) -> None:
    """Put *more* into *freed*."""
    for event_id, ids in more.items():
        freed.setdefault(event_id, set()).update(ids)


Changed = dict[Id, list[tuple[Id, datetime, datetime]]]
"""By person: what of theirs has changed (the member row), and when that is or was."""


def changed_times(draft: Draft) -> Changed:
    """Who is, or waits, no longer where they did, or does so somewhere now."""
    changed: Changed = defaultdict(list)
    for member in draft.rows[ReservationMember].values():
        rows = (draft.base.known(ReservationMember, member.id), member)
        before, now = (row if row is not None and _counts(row) else None for row in rows)
        if before is None or now is None or _where(before) != _where(now):
            for row in (before, now):
                if row is not None:
                    changed[row.participant_id].append(_when(row))
    return changed


def _counts(member: ReservationMember) -> bool:
    return not member.deleted and (member.live or member.waiting is True)


def _where(member: ReservationMember) -> tuple[Id, bool, Id, datetime, datetime]:
    return member.participant_id, member.live, member.slot_id, member.start_time, member.end_time


def _when(member: ReservationMember) -> tuple[Id, datetime, datetime]:
    return member.id, member.start_time, member.end_time


def people_of(state: State, claim: SlotReservation) -> Changed:
    """Those in a claim, and when."""
    return {member.participant_id: [_when(member)] for member in state.find(MEMBERS, claim.id) if _counts(member)}


def waiting_elsewhere(draft: Draft, changed: Changed, ask: Keys | None) -> Freed:
    """What those wait for who have *changed*: it may have been all that was in their way, or they in others'."""
    freed: Freed = {}
    for person in sorted(changed):
        if ask is not None:
            ask.find.add((COMMITMENTS, person))
        for waiting in draft.find(COMMITMENTS, person):
            others = [when for when in changed[person] if when[0] != waiting.id] if waiting.waiting else []
            if others:
                if ask is not None:
                    ask.read.add((SlotReservation, waiting.reservation_id))
                claim = draft.get(SlotReservation, waiting.reservation_id)
                if claim is not None and (claim.any_slot or any(_meet(waiting, *when) for when in others)):
                    add(freed, {claim.event_id: freed_slots(claim)})
    return freed


def _meet(member: ReservationMember, _: Id, start: datetime, end: datetime) -> bool:
    return start < member.end_time and member.start_time < end


def freed_slots(*claims: SlotReservation) -> set[Id]:
    """What ``serve`` is told once *claims* end or move: their slots, or the event of one in line for any slot."""
    freed = {claim.slot_id for claim in claims if takes_places(claim) or claim.claim == "waitlisted"}
    return freed | {claim.event_id for claim in claims if claim.claim == "waitlisted" and claim.any_slot}

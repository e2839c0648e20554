"""From what is known of a slot to the words of its card."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from zoneinfo import ZoneInfo

from desktop.day.slots import ClaimFacts, SlotFacts
from desktop.day.status import clock
from desktop.qt.i18n import tr
from desktop.screens.board.records import BoardCard, BoardClaim
from desktop.widgets.records import StatusKind, StatusWord

# What a card of several shows first: somebody on stage, then who is late, then who is held.
_GRAVEST = (StatusKind.ON_STAGE, StatusKind.LATE, StatusKind.HELD)


def card_of(facts: SlotFacts, minute: float, until: float, zone: ZoneInfo) -> BoardCard:
    """The card of one slot, which lasts from *minute* to *until* on the board."""
    slot, event = facts.slot, facts.event
    name = event.name if event is not None else ""
    card = BoardCard(
        slot_id=slot.id,
        room_id=slot.location_id,
        minute=minute,
        until=until,
        title=name,
        kind=StatusKind.FREE,
        time=f"{clock(slot.start_time, zone)}–{clock(slot.end_time, zone)}",
        event=name,
        event_id=slot.event_id,
        claim_id=facts.claims[0].claim.id if facts.claims else None,
        details=facts.claims[0].details if len(facts.claims) == 1 else "",
    )
    if not facts.claims:
        return _empty_card(card, facts)
    note = ""
    if slot.capacity > 1 and (facts.places or len(facts.claims) > 1):
        note = tr("{count} free", count=facts.places) if facts.places else tr("full")
    talk = event is not None and event.category == "talk"
    if len(facts.claims) == 1:
        only = facts.claims[0]
        status = StatusWord(only.status.kind, only.status.short, only.pending)
        if not talk:
            return replace(card, title=only.name, kind=status.kind, status=status, note=note)
        return replace(card, kind=status.kind, status=status, note=note, details=only.name)
    lines = tuple(
        BoardClaim(claim.claim.id, claim.name, StatusWord(claim.status.kind, claim.status.short, claim.pending))
        for claim in sorted(facts.claims, key=lambda claim: folded(claim.name))
    )
    status = _together(facts.claims)
    return replace(card, kind=status.kind, status=status, claims=lines, note=note)


def _empty_card(card: BoardCard, facts: SlotFacts) -> BoardCard:
    """The card of a slot that nobody is in: free, closed, cancelled, or an event that needs nobody to come."""
    if facts.openness == "cancelled":
        words = StatusWord(StatusKind.CANCELLED, tr("Cancelled"))
        return replace(card, kind=StatusKind.CANCELLED, status=words, details=facts.reason)
    if facts.openness == "closed":
        return replace(card, title=facts.reason or tr("Closed"), kind=StatusKind.BLOCKED)
    if facts.event is not None and facts.event.category == "talk":
        return replace(card, status=StatusWord(StatusKind.FREE, tr("Nobody named")))
    note = tr("{count} places", count=facts.places) if facts.places > 1 else ""
    return replace(card, title=tr("Free"), note=note)


def _together(claims: tuple[ClaimFacts, ...]) -> StatusWord:
    """One status for several claims in a slot: the gravest, else how many of them are here."""
    kinds = [claim.status.kind for claim in claims]
    here, total = sum(claim.status.here for claim in claims), sum(claim.status.total for claim in claims)
    words = tr("{here} of {total} here", here=here, total=total)
    pending = any(claim.pending for claim in claims)
    for kind in _GRAVEST:
        if kind in kinds:
            first = next(claim.status for claim in claims if claim.status.kind is kind)
            own = tr("{count} late", count=kinds.count(kind)) if kind is StatusKind.LATE else first.short
            return StatusWord(kind, f"{own} · {words}", pending)
    if all(kind in (StatusKind.DONE, StatusKind.NO_SHOW) for kind in kinds):
        missed = all(kind is StatusKind.NO_SHOW for kind in kinds)
        kind = StatusKind.NO_SHOW if missed else StatusKind.DONE
        return StatusWord(kind, tr("No-show") if missed else tr("{here} of {total}", here=here, total=total), pending)
    return StatusWord(StatusKind.HERE if here * 2 > total else StatusKind.EXPECTED, words, pending)


def folded(text: str) -> str:
    """*text* in lower case and without accents, to find it by."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts "Room 2" before "Room 10"."""
    pieces: list[str] = []
    for letter in folded(name):
        if pieces and pieces[-1][-1].isdecimal() == letter.isdecimal():
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return tuple((0, int(piece)) if piece.isdecimal() else (1, piece) for piece in pieces)

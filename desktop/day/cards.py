"""The lines and the card that the Desk shows of somebody: worded, with what to do next. Redirect, don't reject."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from desktop.day.claims import ClaimView, day_words, member_status, participant_name, views_of, when
from desktop.day.day import Day
from desktop.day.slots import person_details
from desktop.day.status import claim_status, clock, minutes, party
from desktop.qt.i18n import tr
from desktop.widgets.records import (
    CardAction,
    CardButton,
    ClaimLine,
    HintLine,
    MemberLine,
    OtherClaim,
    PersonCard,
    PersonLine,
    StatusKind,
    Tone,
)
from server_sync.protocol.ids import Id, scan_code
from server_sync.protocol.records import Attendance, Group, Participant, SlotReservation
from server_sync.rules.attendance import that_stand
from server_sync.rules.search import Found
from server_sync.rules.state import FACTS, MEMBERS, PEOPLE_OF_GROUP

_ARRIVED = frozenset({StatusKind.HERE, StatusKind.DONE, StatusKind.ON_STAGE})


def person_line(day: Day, found: Found) -> PersonLine:
    """One row of the matches, with the claim that is nearest now."""
    view = next(iter(views_of(day, found.id)), None)
    claim = ""
    if view is not None:
        claim = " · ".join(part for part in (view.event, when(day, view.slot.start_time), view.room_name) if part)
    return PersonLine(
        UUID(found.id), found.name, _details(day, found.id), claim, None if view is None else view.status, found.spans
    )


def person_card(day: Day, subject: Id, claim_id: Id | None, as_of: str) -> PersonCard | None:
    """The card of somebody about the claim named, else the nearest. *as_of* says how old this is, "" if it is live."""
    who = day.subject(subject)
    if who is None:
        return None
    views = views_of(day, subject)
    view = next((view for view in views if claim_id in (view.id, view.claim.id)), views[0] if views else None)
    name, details = _name(who), _details(day, subject)
    if view is None:
        return _without_claim(who, name, details)
    undo = undoable(day, view)
    hints = _hints(day, view)
    if as_of:
        hints = (*hints, HintLine(Tone.QUIET, "timer", as_of))
    return PersonCard(
        UUID(subject),
        name,
        " · ".join(part for part in (details, view.claim.ref or tr("new")) if part),
        view.status,
        ClaimLine(UUID(view.id), clock(view.slot.start_time, day.zone), _title(day, view), view.place),
        hints,
        (*_buttons(day, view, undo), *_another(who, view)),
        () if view.member is not None else _members(day, view),
        tuple(_other(day, other) for other in views if other.claim.id != view.claim.id and other.day == day.current),
        None if undo is None else UUID(undo),
        scan_acts=_may_act(day, view),
        code=_code(who, view),
    )


def undoable(day: Day, view: ClaimView) -> Id | None:
    """The command whose fact about this claim (or the member meant) stands and was said last."""
    facts: list[Attendance] = that_stand(day.state.find(FACTS, view.claim.id))
    if view.member is not None:
        facts = [fact for fact in facts if fact.participant_id == view.member.participant_id]
    return max(facts, key=lambda fact: (fact.occurred_at, fact.id)).command_id if facts else None


def _code(who: Participant | Group | SlotReservation, view: ClaimView | None) -> str:
    """What the slip carries: the claim's ref, or one member's own where the claim is of many; "" without a ref."""
    ref = who.ref if view is None or (view.member is not None and who.ref) else view.claim.ref
    return "" if ref is None else scan_code(ref)


def _without_claim(who: Participant | Group | SlotReservation, name: str, details: str) -> PersonCard:
    words = tr("{name} has no slot yet. Reserve one, or ask the organiser.", name=name)
    return PersonCard(
        UUID(who.id), name, details,
        hints=(HintLine(Tone.WARN, "info", words),),
        buttons=(CardButton(CardAction.RESERVE), CardButton(CardAction.PRINT)),
        scan_acts=False,
        code=_code(who, None),
    )  # fmt: skip


def _hints(day: Day, view: ClaimView) -> tuple[HintLine, ...]:
    """What to say to whoever stands there, most important first."""
    claim, start = view.claim, view.slot.start_time
    if claim.claim in ("cancelled", "expired"):
        at = claim.cancelled_at
        said = tr("Cancelled at {time}.", time=when(day, at)) if at is not None else tr("Cancelled.")
        instead = HintLine(Tone.PLAIN, "info", tr("Reserve another slot instead."))
        return (HintLine(Tone.BAD, "cancelled", said), instead)
    if claim.claim in ("waitlisted", "held"):
        words = tr("No place is confirmed yet: {status}.", status=view.status.words)
        return (HintLine(Tone.WARN, "info", words),)
    hints: list[HintLine] = []
    arrived = _arrival(day, view)
    if view.status.kind in _ARRIVED and arrived is not None:
        hints.append(HintLine(Tone.GOOD, "check", _who_checked_in(day, arrived)))
    elif view.day != day.current:
        words = tr("Not today: the call is on {day} at {time}, {room}.", day=day_words(view.day),
                   time=clock(start, day.zone), room=view.room_name)  # fmt: skip
        hints.append(HintLine(Tone.WARN, "calendar", words))
        advice = tr("Move them to a slot today, or ask them to come back.")
        if not day.is_on:
            advice = tr("Nothing is on today. Check them in only if they are really here for it.")
        hints.append(HintLine(Tone.PLAIN, "info", advice))
    else:
        hints.append(_timing(day, view))
    delay = 0 if view.room_day is None else view.room_day.delay_minutes
    if delay > 0 and view.status.kind is not StatusKind.DONE:
        about = clock(start + timedelta(minutes=delay), day.zone)
        words = tr("{room} is running {delay} min late: about {about}", room=view.room_name, delay=delay, about=about)
        hints.append(HintLine(Tone.WARN, "timer", words))
    return tuple(hints)


def _timing(day: Day, view: ClaimView) -> HintLine:
    ahead = view.slot.start_time - day.now()
    if ahead >= timedelta(minutes=1):
        return HintLine(Tone.GOOD, "check", tr("In good time: {time} early", time=minutes(ahead)))
    if ahead > timedelta(minutes=-1):
        return HintLine(Tone.GOOD, "check", tr("Just in time"))
    words = tr("Late: {room} called at {time}", room=view.room_name, time=clock(view.slot.start_time, day.zone))
    return HintLine(Tone.WARN, "late", words)


def _arrival(day: Day, view: ClaimView) -> Attendance | None:
    seen = party(day.state, view.claim)
    meant = seen.values() if view.member is None else [seen[view.member.participant_id]]
    facts = [fact for member in meant for fact in (member.arrived, member.performed) if fact is not None]
    return min(facts, key=lambda fact: (fact.occurred_at, fact.id), default=None)


def _who_checked_in(day: Day, fact: Attendance) -> str:
    time, desk = clock(fact.occurred_at, day.zone), day.device_name(fact.device_id)
    if fact.actor and desk and fact.actor != desk:
        return tr("Checked in at {time} by {who} at {desk}", time=time, who=fact.actor, desk=desk)
    return tr("Checked in at {time} at {desk}", time=time, desk=desk or fact.actor)


def _buttons(day: Day, view: ClaimView, undo: Id | None) -> tuple[CardButton, ...]:
    move, paper = CardButton(CardAction.MOVE), CardButton(CardAction.PRINT)
    kind = view.status.kind
    if view.claim.claim in ("cancelled", "expired"):
        return CardButton(CardAction.RESERVE), paper
    if view.claim.claim != "reserved":
        return move, paper
    members = day.state.find(MEMBERS, view.claim.id)
    if len(members) > 1 and view.member is None:
        missing = len(missing_members(day, view.claim))
        words = tr("Check in {missing} more", missing=missing) if missing else tr("All here")
        part = tr("{missing} no-show", missing=missing) if missing < len(members) else ""
        absent = CardButton(CardAction.NO_SHOW, part, bool(missing))
        return CardButton(CardAction.CHECK_IN, words, bool(missing)), move, absent, paper
    if kind in _ARRIVED:
        return (*((CardButton(CardAction.UNDO, tr("Undo check-in")),) if undo is not None else ()), move, paper)
    no_show = CardButton(CardAction.UNDO, tr("Undo no-show")) if kind is StatusKind.NO_SHOW else None
    rest = (no_show or CardButton(CardAction.NO_SHOW), paper)
    if not day.is_on:
        return CardButton(CardAction.CHECK_IN, tr("Check in anyway")), move, *rest
    if view.day != day.current:
        return (
            CardButton(CardAction.MOVE, tr("Move to today…")),
            CardButton(CardAction.CHECK_IN, tr("Check in anyway")),
            *rest,
        )
    return CardButton(CardAction.CHECK_IN), move, *rest


def _another(who: Participant | Group | SlotReservation, view: ClaimView) -> tuple[CardButton, ...]:
    """Somebody known may take a further slot."""
    if isinstance(who, SlotReservation) or view.claim.claim in ("cancelled", "expired"):
        return ()
    return (CardButton(CardAction.RESERVE, tr("Another slot…")),)


def _may_act(day: Day, view: ClaimView) -> bool:
    """Whether a scan checks in at once: it is their day, they have a place, and they are not here already."""
    waiting = view.status.kind in (StatusKind.EXPECTED, StatusKind.LATE)
    return view.claim.claim == "reserved" and view.day == day.current and waiting


def missing_members(day: Day, claim: SlotReservation) -> list[Id]:
    """The participants of a claim who have not come."""
    seen = party(day.state, claim)
    return [member for member, facts in seen.items() if member is not None and facts.arrived is facts.performed is None]


def _members(day: Day, view: ClaimView) -> tuple[MemberLine, ...]:
    rows = day.state.find(MEMBERS, view.claim.id)
    if len(rows) < 2:
        return ()
    whole = claim_status(day.state, view.claim, view.slot.start_time, day.now(), day.zone, view.room_day)
    lines = []
    for row in rows:
        status = member_status(day, view.claim, row, whole)
        name = participant_name(day, row.participant_id)
        lines.append(MemberLine(UUID(row.participant_id), name, status.kind in _ARRIVED, status))
    return tuple(sorted(lines, key=lambda line: (line.name.casefold(), line.person_id)))


def _other(day: Day, view: ClaimView) -> OtherClaim:
    words = f"{clock(view.slot.start_time, day.zone)} {view.event}, {view.room_name}"
    return OtherClaim(UUID(view.id), words, view.status)


def _title(day: Day, view: ClaimView) -> str:
    """Such as "Piano solo, grade 7 · slot 4"; the day instead of the slot where it is another."""
    if view.day != day.current:
        return f"{view.event} · {day_words(view.day)}"
    return tr("{event} · slot {number}", event=view.event, number=view.slot.slot_number)


def _name(who: Participant | Group | SlotReservation) -> str:
    if isinstance(who, Participant):
        return who.display_name
    return who.name if isinstance(who, Group) else who.reserved_name or ""


def _details(day: Day, subject: Id) -> str:
    who = day.subject(subject)
    if isinstance(who, Participant):
        return person_details(who)
    if isinstance(who, Group):
        people: Sequence[Participant] = day.state.find(PEOPLE_OF_GROUP, who.id)
        return " · ".join(part for part in (who.school, tr("{count} people", count=len(people))) if part)
    return tr("by name only") if who is not None else ""

"""The cards of Attention: what was asked, when, what the authority said, what holds now, and the ways on."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from desktop.day.claims import claim_view, meant_by, name_of, participant_name, when
from desktop.day.day import Day
from desktop.day.flag_words import flag_title
from desktop.day.open_slots import Request, open_slots
from desktop.day.recent import said
from desktop.day.status import clock
from desktop.qt.i18n import tr
from desktop.store.diff import CommandState
from desktop.widgets.records import AttentionCard, Fix, FixKind, Span, Tone
from server_sync.protocol.errors import (
    ALREADY_RESOLVED,
    BLOCK_FULL,
    DOUBLE_BOOKED,
    EVENT_FULL,
    MOVED,
    SLOT_FULL,
    WORDS,
)
from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import EventSlot, Flag, Group, Location, SlotReservation

_NEAREST = 2
_MOST_WAITING = 6
Line = tuple[Span, ...]


def is_shown(command: CommandState) -> bool:
    """Whether a refusal is for a person: that somebody else settled a flag first is not."""
    late = command.result is not None and command.result.code == ALREADY_RESOLVED
    return command.needs_attention and not (command.envelope.kind == "flag.resolve" and late)


def refusal_card(day: Day, command: CommandState) -> AttentionCard:
    """What became of a command of this desk that the authority refused."""
    name, slot_id = who(day, command), said(command).slot_id
    target = "" if slot_id is None else slot_words(day, slot_id)
    titles = {
        "reservation.move": tr("{name} could not move to {target}", name=name, target=target),
        "reservation.reserve": tr("{name} has no place in {target}", name=name, target=target),
        "reservation.cancel": tr("{name} could not be cancelled", name=name),
        "attendance.undo": tr("There was nothing left to undo"),
        "attendance.arrive": tr("{name} was checked in, but has no place", name=name),
    }
    title = titles.get(command.envelope.kind, tr("{what} was refused", what=command.envelope.kind))
    lines: list[Line] = [(Span(tr("Asked at ")), Span(clock(command.queued_at, day.zone), strong=True), Span(". "),
                          Span(_why(day, command)))]  # fmt: skip
    holds = _what_holds(day, command)
    if holds:
        lines.append(holds)
    fixes = [*_other_slots(day, command), Fix("accept", tr("Leave as it is"), FixKind.QUIET)]
    icon = "calendar_refused" if command.envelope.kind.startswith("reservation.") else "refused"
    return AttentionCard(UUID(command.id), Tone.BAD, icon, title, tuple(lines), tuple(fixes))


def _why(day: Day, command: CommandState) -> str:
    result = command.result
    code = "" if result is None else result.code or ""
    details: dict[str, Any] = {} if result is None else result.details or {}
    words = WORDS.get(code, tr("The server refused it ({code}).", code=code))
    elsewhere = details.get("slot_id")
    if code in (MOVED, DOUBLE_BOOKED) and isinstance(elsewhere, str):
        return f"{words} ({slot_words(day, elsewhere)})"
    if code in (SLOT_FULL, BLOCK_FULL, EVENT_FULL) and "capacity" in details:
        return tr("{words} {reserved} of {capacity} places are taken.", words=words, reserved=details.get("reserved"),
                  capacity=details["capacity"])  # fmt: skip
    return words


def _what_holds(day: Day, command: CommandState) -> Line:
    meant = meant_by(day, said(command).reservation_id or command.id)
    view = None if meant is None else claim_view(day, meant[0])
    if view is None:
        return ()
    place = f"{view.room_name}, {when(day, view.slot.start_time)}"
    held = tr("{name} still holds ", name=name_of(day, view.claim))
    return (Span(held), Span(place, strong=True), Span(f" · {view.status.words}", pending=view.status.pending))


def _other_slots(day: Day, command: CommandState) -> list[Fix]:
    """The nearest slots that would do instead."""
    about, programme = said(command), day.identity.programme
    if command.envelope.kind == "reservation.move" and about.reservation_id is not None:
        if day.state.get(SlotReservation, about.reservation_id) is None:
            return []
        request = Request(programme, claim_id=about.reservation_id)
    elif command.envelope.kind == "reservation.reserve":
        person = about.participant_ids[0] if len(about.participant_ids) == 1 else None
        request = Request(programme, participant_id=person, group_id=about.group_id)
    else:
        return []
    wanted = day.state.get(EventSlot, about.slot_id)
    near = [entry.slot for entry in open_slots(day.state, day.now(), request) if entry.refusal is None]
    if wanted is not None:
        at = wanted.start_time
        near.sort(key=lambda slot: (slot.event_id != wanted.event_id, abs((slot.start_time - at).total_seconds())))
    kinds = [FixKind.PRIMARY] + [FixKind.NORMAL] * _NEAREST
    return [
        Fix(f"slot:{slot.id}", tr("{slot} · free", slot=slot_words(day, slot.id)), kind, "move")
        for slot, kind in zip(near[:_NEAREST], kinds, strict=False)
    ]


def flag_card(day: Day, flag: Flag) -> AttentionCard:
    """A flag: something that surprised the authority, and that somebody should look at."""
    table, _, id = flag.subject.partition("/")
    claim = day.state.get(SlotReservation, id) if table == "slot_reservations" else None
    name = tr("Somebody") if claim is None else name_of(day, claim)
    details = flag.details or {}
    others = ", ".join(participant_name(day, id) for id in details.get("participant_ids", []))
    title = flag_title(flag.reason, name, others)
    return AttentionCard(
        UUID(flag.id), Tone.WARN, "people", title, _flag_lines(day, flag, claim, details),
        (Fix("seen", tr("Seen"), FixKind.NORMAL, "check"),),
    )  # fmt: skip


def _flag_lines(day: Day, flag: Flag, claim: SlotReservation | None, details: dict[str, Any]) -> tuple[Line, ...]:
    lines: list[Line] = []
    at, other = details.get("occurred_at"), details.get("other_at")
    if other is not None and at is not None:
        desk = day.device_name(details.get("other_device")) or str(details.get("other_actor") or tr("Another desk"))
        lines.append((Span(desk + tr(" at ")), Span(_time(day, other), strong=True), Span(tr(", this desk at ")),
                      Span(_time(day, at), strong=True), Span(tr(". The earlier one stands."))))  # fmt: skip
    else:
        lines.append((Span(tr("Noted at ")), Span(clock(flag.raised_at, day.zone), strong=True), Span(".")))
    view = None if claim is None else claim_view(day, claim)
    if view is not None and not flag.reason.endswith("_twice"):
        place = f"{view.room_name}, {when(day, view.slot.start_time)}"
        lines.append((Span(tr("Now: ")), Span(place, strong=True), Span(f" · {view.status.words}")))
    return tuple(lines)


def waiting_card(day: Day) -> AttentionCard | None:
    """What this desk asked for and waits for the network; facts need no answer and are not among them."""
    requests = [command for command in day.queued() if command.envelope.kind.startswith("reservation.")]
    if not requests:
        return None
    spans: list[Span] = []
    for command in requests[:_MOST_WAITING]:
        spans += [Span(" · ")] if spans else []
        spans.append(Span(_proposal(day, command), pending=True))
    if len(requests) > _MOST_WAITING:
        spans.append(Span(tr(" and {more} more", more=len(requests) - _MOST_WAITING)))
    lines: list[Line] = [tuple(spans)]
    likely = [command for command in requests if command.likely is not None]
    if likely and likely[0].likely is not None:
        words = tr("{count} likely to be refused: {name}: {why}", count=len(likely), name=who(day, likely[0]),
                   why=likely[0].likely.words)  # fmt: skip
        lines.append((Span(words),))
    one = tr("1 proposal waits for the network")
    title = one if len(requests) == 1 else tr("{count} proposals wait for the network", count=len(requests))
    card_id = UUID(derived_id(day.identity.device, "waiting"))
    return AttentionCard(card_id, Tone.QUIET, "hourglass", title, tuple(lines), waiting=True)


def _proposal(day: Day, command: CommandState) -> str:
    slot_id, name = said(command).slot_id, who(day, command)
    target = "" if slot_id is None else slot_words(day, slot_id)
    return {
        "reservation.move": tr("Move {name} to {target}", name=name, target=target),
        "reservation.reserve": tr("Place {name} in {target}", name=name, target=target),
        "reservation.cancel": tr("Cancel {name}", name=name),
    }.get(command.envelope.kind, command.envelope.kind)


def who(day: Day, command: CommandState) -> str:
    """Whom a command is about."""
    about = said(command)
    claim = day.state.get(SlotReservation, about.reservation_id)
    if claim is not None:
        return name_of(day, claim)
    if about.group_id is not None:
        group = day.state.get(Group, about.group_id)
        return tr("Somebody") if group is None else group.name
    if about.participant_ids:
        return participant_name(day, about.participant_ids[0])
    # A walk-in whose place was refused is known only by the command that asked for it, whose id the claim bears.
    place = None if about.reservation_id is None else day.commands.get(about.reservation_id)
    name = about.reserved_name if place is None else said(place).reserved_name
    return name or tr("Somebody")


def slot_words(day: Day, slot_id: Id) -> str:
    """Where and when: "Room B, 10:40"."""
    slot = day.state.get(EventSlot, slot_id)
    if slot is None:
        return tr("a slot that is gone")
    room = day.state.get(Location, slot.location_id)
    return f"{'' if room is None else room.name}, {when(day, slot.start_time)}"


def _time(day: Day, said: Any) -> str:
    """A time in a flag's details: text once it came from the server, a datetime while it is predicted."""
    try:
        return clock(said if isinstance(said, datetime) else datetime.fromisoformat(said), day.zone)
    except (TypeError, ValueError):
        return str(said)

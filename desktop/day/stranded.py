"""The card of what an earlier desk of this profile asked and never sent: this desk may not send it in its own name."""

from __future__ import annotations

from uuid import UUID

from desktop.day.attention_cards import slot_words, who
from desktop.day.day import Day
from desktop.day.recent import said
from desktop.day.status import clock
from desktop.qt.i18n import tr
from desktop.store.diff import CommandState
from desktop.widgets.records import AttentionCard, Fix, FixKind, Span, Tone


def stranded_card(day: Day, command: CommandState) -> AttentionCard:
    """What was asked, when and by which desk, and what to do about it."""
    title = tr("Never sent: {what}", what=_what(day, command))
    asked = (
        Span(tr("Asked at ")), Span(clock(command.queued_at, day.zone), strong=True),
        Span(tr(" as {desk}, before this computer was enrolled anew.", desk=command.stranded)),
    )  # fmt: skip
    ask = (Span(tr("See whether it is still true, and do it again if it is.")),)
    fixes = (Fix("accept", tr("Leave as it is"), FixKind.QUIET),)
    return AttentionCard(UUID(command.id), Tone.BAD, "refused", title, (asked, ask), fixes)


def _what(day: Day, command: CommandState) -> str:
    name, slot_id = who(day, command), said(command).slot_id
    target = "" if slot_id is None else slot_words(day, slot_id)
    return {
        "attendance.arrive": tr("{name} is here", name=name),
        "attendance.perform": tr("{name} has performed", name=name),
        "attendance.no_show": tr("{name}: no-show", name=name),
        "attendance.undo": tr("an undo"),
        "reservation.move": tr("move {name} to {target}", name=name, target=target),
        "reservation.reserve": tr("place {name} in {target}", name=name, target=target),
        "reservation.cancel": tr("cancel {name}", name=name),
    }.get(command.envelope.kind, command.envelope.kind)

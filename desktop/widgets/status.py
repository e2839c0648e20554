"""How each status looks: icon, colours and border. One table, used by chips, cards and the board alike."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.widgets.records import StatusKind, Tone


@dataclass(frozen=True, slots=True)
class Look:
    """Tokens of one status: text (and icon), fill or None, border or None, `mark` for solid edges; hatched, struck."""

    icon: str
    text: str
    fill: str | None
    border: str | None
    mark: str
    hatched: bool = False
    struck: bool = False


LOOKS: dict[StatusKind, Look] = {
    StatusKind.EXPECTED: Look("expected", "expected.text", None, "border", "expected.text"),
    StatusKind.LATE: Look("late", "late.text", "late.subtle", None, "late.text"),
    StatusKind.HERE: Look("here", "here.text", "here.subtle", None, "here.mark"),
    StatusKind.ON_STAGE: Look("on_stage", "accent.on", "accent", None, "accent"),
    StatusKind.DONE: Look("done", "done.text", "done.subtle", None, "done.text"),
    StatusKind.NO_SHOW: Look("no_show", "refused.text", None, "refused.text", "refused.text"),
    StatusKind.WAITLISTED: Look("waitlisted", "waiting.text", "waiting.subtle", None, "waiting.text"),
    StatusKind.HELD: Look("held", "waiting.text", None, "waiting.text", "waiting.text", hatched=True),
    StatusKind.CANCELLED: Look("cancelled", "text.secondary", "surface.sunken", None, "text.secondary", struck=True),
    StatusKind.FREE: Look("free", "text.secondary", None, "border", "border"),
    StatusKind.BLOCKED: Look("blocked", "text.secondary", "surface.sunken", None, "border", hatched=True),
}

TONE_TEXT: dict[Tone, str] = {
    Tone.PLAIN: "text.primary",
    Tone.QUIET: "text.secondary",
    Tone.NOTE: "accent",
    Tone.GOOD: "here.text",
    Tone.WARN: "late.text",
    Tone.BAD: "refused.text",
}

TONE_FILL: dict[Tone, str] = {
    Tone.PLAIN: "surface.sunken",
    Tone.QUIET: "expected.subtle",
    Tone.NOTE: "accent.subtle",
    Tone.GOOD: "here.subtle",
    Tone.WARN: "late.subtle",
    Tone.BAD: "refused.subtle",
}

TONE_ICON: dict[Tone, str] = {
    Tone.PLAIN: "info",
    Tone.QUIET: "info",
    Tone.NOTE: "info",
    Tone.GOOD: "check_circle",
    Tone.WARN: "warning",
    Tone.BAD: "refused",
}

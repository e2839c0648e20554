"""What the Desk shows at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from desktop.widgets.records import DeskHeader, PersonCard, PersonLine, RecentAction, SlotLine, Tone


class Mode(StrEnum):
    """Which part of the screen has the keys."""

    SEARCH = "search"
    CARD = "card"
    SLOTS = "slots"


class SlotsFor(StrEnum):
    """Why a slot is being chosen."""

    MOVE = "move"
    RESERVE = "reserve"
    WALK_IN = "walk_in"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last action came to. `serial` grows with each, so that a page shows and sounds it once."""

    serial: int
    tone: Tone
    words: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DeskState:
    """All that the page shows. `selected` and `slot_at` are indices; `card` is a preview while mode is SEARCH."""

    header: DeskHeader
    query: str = ""
    mode: Mode = Mode.SEARCH
    results: tuple[PersonLine, ...] = ()
    selected: int = 0
    card: PersonCard | None = None
    slots: tuple[SlotLine, ...] = ()
    slot_at: int = 0
    slots_for: SlotsFor = SlotsFor.MOVE
    busy: bool = False
    verdict: Verdict | None = None
    recent: tuple[RecentAction, ...] = ()

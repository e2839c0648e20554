"""What the Board shows: frozen records, worded already. Minutes count from the midnight before the day shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from desktop.widgets.records import StatusKind, StatusWord, Tone

Id = str


class Filter(StrEnum):
    """Whom the board stresses."""

    EVERYONE = "everyone"
    LATE = "late"
    FREE = "free"


class Phase(StrEnum):
    """Whether there is something to show."""

    LOADING = "loading"
    EMPTY = "empty"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class BoardClaim:
    """One of several claims in a slot, as a line of its card."""

    claim_id: Id
    name: str
    status: StatusWord


@dataclass(frozen=True, slots=True)
class BoardCard:
    """One slot. ``kind`` decides how the card looks; ``status`` is its second line (None: blocked or free).

    ``claims`` is filled where the card lists several. ``note`` is how full it is ("full", "1 free"), quiet.
    ``claim_id`` is the claim that Enter opens, None where nobody is in the slot. ``minute`` and ``until`` are minutes.
    """

    slot_id: Id
    room_id: Id
    minute: float
    until: float
    title: str
    kind: StatusKind
    status: StatusWord | None = None
    claims: tuple[BoardClaim, ...] = ()
    note: str = ""
    time: str = ""
    event: str = ""
    event_id: Id = ""
    claim_id: Id | None = None
    details: str = ""

    @property
    def spoken(self) -> str:
        """The card in one sentence, for a screen reader and as its tool tip."""
        status = self.status.words if self.status is not None else ""
        lines = [f"{claim.name}: {claim.status.words}" for claim in self.claims]
        event = self.event if self.event != self.title else ""
        parts = (self.time, self.title, status, self.note, event, self.details, *lines)
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class BoardRoom:
    """A column: name, where it is, how late it runs ("+8 min", "on time"), its next call, and its cards by time."""

    room_id: Id
    name: str
    place: str
    delay: str
    tone: Tone
    next_call: str
    cards: tuple[BoardCard, ...] = ()

    @property
    def spoken(self) -> str:
        """The head of the column in one sentence."""
        return ", ".join(part for part in (self.name, self.place, self.delay, self.next_call) if part)


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of a menu: a day or an event, and how many slots it has. An empty key means all."""

    key: str
    words: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Stress:
    """The filters in use: whom, which event ("" all), and words that must be somewhere on the card."""

    filter: Filter = Filter.EVERYONE
    event_id: Id = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class BoardState:
    """All that the page shows.

    ``first`` to ``last`` is the stretch of the day in minutes; ``labels`` are the times at each quarter of an hour from
    ``first``. ``now`` is None on another day. ``stressed`` are the slots that the filters leave bright, None for all.
    """

    phase: Phase = Phase.LOADING
    title: str = ""
    subtitle: str = ""
    clock: str = ""
    day: str = ""
    days: tuple[Choice, ...] = ()
    events: tuple[Choice, ...] = ()
    rooms: tuple[BoardRoom, ...] = ()
    first: int = 0
    last: int = 0
    labels: tuple[str, ...] = ()
    now: float | None = None
    late: int = 0
    free: int = 0
    stress: Stress = Stress()
    stressed: frozenset[Id] | None = None

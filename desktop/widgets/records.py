"""What the screens show: plain frozen records, the contract between view-models and widgets.

Everything is already worded and every time is already a string in the programme's time zone ("09:50"), so that a
widget only lays out and paints. Ids are the rows' own UUIDs; a widget hands them back and never looks inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class StatusKind(StrEnum):
    """The one derived status of a claim or a slot; decides icon and colour, never the words."""

    EXPECTED = "expected"
    LATE = "late"
    HERE = "here"
    ON_STAGE = "on_stage"
    DONE = "done"
    NO_SHOW = "no_show"
    WAITLISTED = "waitlisted"
    HELD = "held"
    CANCELLED = "cancelled"
    FREE = "free"
    BLOCKED = "blocked"


class Tone(StrEnum):
    """How a line of words is meant."""

    PLAIN = "plain"
    QUIET = "quiet"
    NOTE = "note"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text within a line. `pending` draws the hollow dot after it."""

    text: str
    strong: bool = False
    pending: bool = False


@dataclass(frozen=True, slots=True)
class StatusWord:
    """A status chip: "Late 6 min". `pending` is the hollow dot: not yet confirmed by the server."""

    kind: StatusKind
    words: str
    pending: bool = False


@dataclass(frozen=True, slots=True)
class HintLine:
    """One line of advice with an icon (a key of qt.icons.ICONS): "In good time: 12 minutes early"."""

    tone: Tone
    icon: str
    words: str


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One row of the search results: a person or a group, with the claim that is nearest now.

    `matches` are (start, length) pairs into `name`, to be highlighted. `claim` is "Piano solo · 09:50 · Room A" or "".
    """

    person_id: UUID
    name: str
    details: str
    claim: str = ""
    status: StatusWord | None = None
    matches: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """The claim that the card is about: "09:50", "Piano solo, grade 7 · slot 4", "Room A — Gym 1, ground floor"."""

    reservation_id: UUID
    time: str
    title: str
    place: str


@dataclass(frozen=True, slots=True)
class OtherClaim:
    """Another claim of the same person today: "13:10 Duet with Jun Watanabe, Room C". Nearest first."""

    reservation_id: UUID
    words: str
    status: StatusWord | None = None


@dataclass(frozen=True, slots=True)
class MemberLine:
    """One member of a group on its card; `here` says whether a tick takes it in or out."""

    person_id: UUID
    name: str
    here: bool
    status: StatusWord | None = None


class CardAction(StrEnum):
    """What can be done from a card; the view-model maps each to a command."""

    CHECK_IN = "check_in"
    MOVE = "move"
    NO_SHOW = "no_show"
    PRINT = "print"
    RESERVE = "reserve"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class CardButton:
    """A button of the card. The first one is the primary, which Enter presses; `words` overrides the usual ones."""

    action: CardAction
    words: str = ""
    enabled: bool = True
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class PersonCard:
    """Everything the card shows of one person or group.

    `claim` is None for somebody without a reservation (walk-in). `undo_command` is what the UNDO button undoes.
    `scan_acts` is False where a person has to look first (wrong room or day, cancelled, already in): then a scan only
    shows the card. `code` is what the person's printed slip carries ("CBRSV-7K3M9Q"), "" when there is no ref yet.
    """

    person_id: UUID
    name: str
    details: str
    status: StatusWord | None = None
    claim: ClaimLine | None = None
    hints: tuple[HintLine, ...] = ()
    buttons: tuple[CardButton, ...] = ()
    members: tuple[MemberLine, ...] = ()
    also_today: tuple[OtherClaim, ...] = ()
    undo_command: UUID | None = None
    scan_acts: bool = True
    code: str = ""


@dataclass(frozen=True, slots=True)
class SlotLine:
    """One slot that a person could be put in, nearest first. `note`: "1 place free", "full", "clash with Duet"."""

    slot_id: UUID
    time: str
    title: str
    place: str
    note: str = ""
    tone: Tone = Tone.PLAIN
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class RecentAction:
    """One of the last actions of this desk: a chip and its Undo. `status.words` already names the person."""

    command_id: UUID
    status: StatusWord
    can_undo: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action once it is durable on this desk (ok) or was refused here (not ok), in words."""

    ok: bool
    words: str
    tone: Tone = Tone.GOOD
    detail: str = ""
    command_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CodeMatch:
    """What a scanned or typed code means: somebody, or words that say why nobody ("wrong check character")."""

    person_id: UUID | None
    reservation_id: UUID | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class DeskHeader:
    """The top line of a page: where we are, how many are here, and the programme's clock.

    `loading` says how far the copy of the programme has come while it is not whole, "" once it is. `day` names the day
    that the figures are of where that is not the one it is now.
    """

    title: str
    subtitle: str
    here: int
    total: int
    clock: str
    loading: str = ""
    day: str = ""


class FixKind(StrEnum):
    """The weight of a button."""

    PRIMARY = "primary"
    NORMAL = "normal"
    DANGER = "danger"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Fix:
    """A way to settle an attention card: "Room D, 10:30 · free". `needs_reason` asks for words before it acts."""

    fix_id: str
    words: str
    kind: FixKind = FixKind.NORMAL
    icon: str = ""
    needs_reason: bool = False


@dataclass(frozen=True, slots=True)
class AttentionCard:
    """One refusal or flag: what was asked, by whom, what the authority said, what holds now, and the fixes.

    `lines` are rich lines. `waiting` marks the card of proposals that wait for the network: quiet, and not counted.
    """

    card_id: UUID
    tone: Tone
    icon: str
    title: str
    lines: tuple[tuple[Span, ...], ...]
    fixes: tuple[Fix, ...] = ()
    waiting: bool = False


class ConnectionState(StrEnum):
    """Whether the server can be reached."""

    ONLINE = "online"
    OFFLINE = "offline"
    CONNECTING = "connecting"
    TROUBLE = "trouble"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Connection:
    """`since` is "09:31" when offline; `desks` counts the desks seen lately; `detail` says more ("revoked", …)."""

    state: ConnectionState
    since: str = ""
    desks: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old what is shown is: "2 s", live or not; `unseen` names silent desks ("Desk 2 unseen for 7 min")."""

    age: str
    live: bool = True
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class StripState:
    """The status strip: always answers online or not, how fresh, how many wait, and whether the clock is right.

    `clock_note` is "" when the clock is right, else "clock 2 s behind".
    """

    connection: Connection
    freshness: Freshness
    waiting: int = 0
    clock_note: str = ""
    who: str = ""
    desk: str = ""


class EnrolStep(StrEnum):
    """Where the first run stands."""

    CODE = "code"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """The first sync: rows taken of `total` (0 = not known yet), and what is being fetched ("people")."""

    done: int = 0
    total: int = 0
    what: str = ""

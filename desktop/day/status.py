"""What people see of a claim right now: the one derivation that the Desk, the Board, the Room and paper share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from desktop.qt.i18n import tr
from desktop.widgets.records import StatusKind
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Attendance, Record, ReservationMember, RoomDay, SlotReservation
from server_sync.rules import attendance
from server_sync.rules.attendance import Standing
from server_sync.rules.clock_words import in_zone
from server_sync.rules.state import FACTS, MEMBERS, State
from server_sync.rules.waiting import place_in_line

FORGOTTEN = timedelta(hours=12)
"""How long after its time a claim that nobody came for still reads as late."""


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    """A claim's status: ``words`` for a chip ("Here 09:41"), ``short`` where the time stands beside it ("Here").

    ``here`` of ``total`` members have come; a claim without known members counts as one.
    """

    kind: StatusKind
    words: str
    short: str
    here: int = 0
    total: int = 1


def claim_status(
    state: State, claim: SlotReservation, start: datetime, now: datetime, zone: tzinfo, room: RoomDay | None = None
) -> ClaimStatus:
    """The status of *claim*, whose slot begins at *start*, at the moment *now*; *room* is its room's day."""
    if claim.claim == "waitlisted":
        words = tr("#{place} in line", place=place_in_line(state, claim))
        return ClaimStatus(StatusKind.WAITLISTED, words, words)
    if claim.claim == "held" and claim.expires_at is not None and claim.expires_at > now:
        words = tr("Held {left}", left=elapsed(claim.expires_at - now))
        return ClaimStatus(StatusKind.HELD, words, words)
    if claim.claim != "reserved":
        words = tr("Cancelled") if claim.claim == "cancelled" else tr("Expired")
        return ClaimStatus(StatusKind.CANCELLED, words, words)
    return _attended(party(state, claim), claim, start, now, zone, room)


def party(state: State, claim: SlotReservation) -> dict[Id | None, Standing]:
    """What counts for each member of *claim*; a claim by a name alone has one member, None."""
    members = (member.participant_id for member in state.find(MEMBERS, claim.id))
    return attendance.party(members, state.find(FACTS, claim.id))


def _attended(
    members: dict[Id | None, Standing],
    claim: SlotReservation,
    start: datetime,
    now: datetime,
    zone: tzinfo,
    room: RoomDay | None,
) -> ClaimStatus:
    words = [member.word for member in members.values()]
    total, came = len(words), sum(word in ("checked_in", "performed") for word in words)
    counted = tr("{here} of {total} here", here=came, total=total)
    if room is not None and room.on_stage_id == claim.id:
        short = tr("On stage")
        if room.on_stage_since is not None:
            short = tr("On stage · {time}", time=elapsed(now - room.on_stage_since))
        return ClaimStatus(StatusKind.ON_STAGE, tr("On stage"), short, came, total)
    if "performed" in words:
        short = tr("{here} of {total}", here=came, total=total) if total > 1 else tr("Done")
        return ClaimStatus(StatusKind.DONE, tr("Done"), short, came, total)
    if came * 2 > total:  # a party is here when most of it is; latecomers come later
        arrived = min(member.arrived.occurred_at for member in members.values() if member.arrived is not None)
        if total > 1:
            return ClaimStatus(StatusKind.HERE, counted, counted, came, total)
        return ClaimStatus(StatusKind.HERE, tr("Here {time}", time=clock(arrived, zone)), tr("Here"), came, total)
    if words.count("no_show") == total:
        return ClaimStatus(StatusKind.NO_SHOW, tr("No-show"), tr("No-show"), came, total)
    return _awaited(came, total, counted, start, now)


def _awaited(came: int, total: int, counted: str, start: datetime, now: datetime) -> ClaimStatus:
    """The status of a claim that has not, or not for the most part, come yet."""
    behind = now - start
    if behind >= FORGOTTEN:
        return ClaimStatus(StatusKind.EXPECTED, tr("Not seen"), tr("Not seen"), came, total)
    if behind >= timedelta(minutes=1):
        late = tr("Late {time}", time=minutes(behind))
        full = tr("{late} · {counted}", late=late, counted=counted) if came else late
        return ClaimStatus(StatusKind.LATE, full, late if not came else full, came, total)
    words = counted if came else tr("Expected")
    return ClaimStatus(StatusKind.EXPECTED, words, counted if total > 1 else words, came, total)


def claim_pending(state: State, claim: SlotReservation, is_pending: Callable[[type[Record], Id], bool]) -> bool:
    """Whether what is seen of *claim* rests on something that the server has not confirmed."""
    return (
        is_pending(SlotReservation, claim.id)
        or any(is_pending(Attendance, fact.id) for fact in state.find(FACTS, claim.id))
        or any(is_pending(ReservationMember, member.id) for member in state.find(MEMBERS, claim.id))
    )


def clock(moment: datetime, zone: tzinfo) -> str:
    """A time of day as people read it: "09:41"."""
    return in_zone(moment, zone).strftime("%H:%M")


def minutes(span: timedelta) -> str:
    """A stretch of time in whole minutes: "6 min", "1 h 05"."""
    hours, rest = divmod(int(span.total_seconds()) // 60, 60)
    return tr("{hours} h {rest:02d}", hours=hours, rest=rest) if hours else tr("{rest} min", rest=rest)


def elapsed(span: timedelta) -> str:
    """A running time: "4:10", "1:02:03"; never below zero."""
    seconds = max(0, int(span.total_seconds()))
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"

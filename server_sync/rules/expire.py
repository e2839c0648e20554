"""``hold.expire``: holds beyond their time end, and whoever waits gets their places.

Nobody depends on it to get a place that ran out; it is what makes waitlists, counts and screens follow in time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from server_sync.protocol.errors import NOT_EXPIRED, NOT_HELD, Refusal
from server_sync.protocol.ids import GivenId, Id
from server_sync.protocol.records import SlotReservation
from server_sync.rules.claims import release
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.freed import freed_slots
from server_sync.rules.overdue import ran_out
from server_sync.rules.reservations import needs_reservation, reservation
from server_sync.rules.state import Changes, Keys, State
from server_sync.rules.waitlist import needs_release, promoted_answer, serve

MOST: Final = 100
"""How many holds one command may end."""


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which holds. Those that are none, or have time left, stay as they are; the answer says which and why."""

    reservation_ids: Annotated[list[GivenId], msgspec.Meta(min_length=1, max_length=MOST)]


def needs(command: Command[Args], loaded: State) -> Keys:
    """The holds, what they free, and whoever is promoted."""
    keys = Keys()
    for id in command.args.reservation_ids:
        claim = needs_reservation(keys, loaded, id)
        if claim is not None and claim.claim == "held":
            needs_release(keys, loaded, claim)
    _expire(loaded, command, None, keys)  # as if all were over: nothing hangs on whose clock is right
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """What ran out has expired; refused only if nothing had."""
    return _expire(state, command, now)


def _expire(state: State, command: Command[Args], now: datetime | None, ask: Keys | None = None) -> Changes | Refusal:
    draft = Draft(state)
    expired: list[SlotReservation] = []
    left: dict[Id, Refusal] = {}
    for id in dict.fromkeys(command.args.reservation_ids):
        claim = _overdue(draft, command, id, now)
        if isinstance(claim, Refusal):
            left[id] = claim
        else:
            release(draft, claim, "expired")
            expired.append(claim)
    if not expired:
        return _nothing(left)
    answer: dict[str, Any] = {"expired": [claim.id for claim in expired]}
    if left:
        answer["left"] = {id: refusal.code for id, refusal in left.items()}
    return draft.changes(answer | promoted_answer(serve(draft, freed_slots(*expired), ask)))


def _overdue(state: State, command: Command[Any], id: Id, now: datetime | None) -> SlotReservation | Refusal:
    """The hold if its time is over."""
    claim = reservation(state, command, id)
    if isinstance(claim, Refusal):
        return claim
    if claim.claim != "held":
        return Refusal(NOT_HELD, {"reservation_id": id, "claim": claim.claim})
    if now is not None and not ran_out(claim, now):
        return Refusal(NOT_EXPIRED, {"reservation_id": id, "expires_at": claim.expires_at})
    return claim


def _nothing(left: dict[Id, Refusal]) -> Refusal:
    """Why none of several expired: the first one's reason, with everybody's."""
    first = next(iter(left.values()))
    return Refusal(first.code, first.details | {"left": {id: refusal.code for id, refusal in left.items()}})


RULE = Rule("hold.expire", Args, "admin", needs, decide)

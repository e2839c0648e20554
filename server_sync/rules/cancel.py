"""``reservation.cancel``: give the places back, to whoever waits for them. The claim and its facts stay to be read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import GivenId
from server_sync.rules.claims import release
from server_sync.rules.command import Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.reservations import guard, needs_reservation, reservation
from server_sync.rules.state import Changes, Keys, State
from server_sync.rules.transitions import after
from server_sync.rules.waitlist import freed_slots, needs_release, promoted_answer, serve


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which claim, and why. ``version`` is the one that the caller saw, if any change since matters to him."""

    reservation_id: GivenId
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    version: int | None = None


def needs(command: Command[Args], loaded: State) -> Keys:
    """The claim, its members, the slot that is freed with what limits it, and whoever is promoted."""
    keys = Keys()
    claim = needs_reservation(keys, loaded, command.args.reservation_id)
    if claim is not None:
        needs_release(keys, loaded, claim)
        _cancel(loaded, command, loaded.now, keys)
    return keys


def decide(state: State, command: Command[Args], now: datetime) -> Changes | Refusal:
    """The cancelled claim; its people are free at that time again, and its places go to the line."""
    return _cancel(state, command, now)


def _cancel(state: State, command: Command[Args], now: datetime | None, ask: Keys | None = None) -> Changes | Refusal:
    claim = reservation(state, command, command.args.reservation_id)
    if isinstance(claim, Refusal):
        return claim
    step = after(claim, "cancel")
    if isinstance(step, Refusal):
        return step
    changed = guard(command, claim, command.args.version)
    if changed is not None:
        return changed
    draft = Draft(state)
    release(draft, claim, step, cancelled_at=now)
    promoted = serve(draft, freed_slots(claim), ask)
    return draft.changes({"reservation_id": claim.id, "slot_id": claim.slot_id, **promoted_answer(promoted)})


RULE = Rule("reservation.cancel", Args, "volunteer", needs, decide)

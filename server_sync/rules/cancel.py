"""``reservation.cancel``: give the places back, to whoever waits for them. The claim and its facts stay to be read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import GivenId
from server_sync.rules.claims import release
from server_sync.rules.command import Command
from server_sync.rules.draft import Draft
from server_sync.rules.freed import freed_slots
from server_sync.rules.rehearsed import rehearsed
from server_sync.rules.reservations import guard, needs_reservation, reservation
from server_sync.rules.state import Keys
from server_sync.rules.transitions import after
from server_sync.rules.waitlist import needs_release, promoted_answer, serve


class Args(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which claim, and why. ``version`` is the one that the caller saw, if any change since matters to him."""

    reservation_id: GivenId
    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    version: int | None = None


def cancel(draft: Draft, command: Command[Args], now: datetime | None, ask: Keys) -> dict[str, Any] | Refusal:
    """The cancelled claim; its people are free at that time again, and its places go to the line."""
    needs_reservation(ask, draft, command.args.reservation_id)
    claim = reservation(draft, command, command.args.reservation_id)
    if isinstance(claim, Refusal):
        return claim
    step = after(claim, "cancel")
    if isinstance(step, Refusal):
        return step
    changed = guard(command, claim, command.args.version)
    if changed is not None:
        return changed
    needs_release(ask, draft, claim)
    release(draft, claim, step, cancelled_at=now)
    promoted = serve(draft, freed_slots(claim), ask)
    return {"reservation_id": claim.id, "slot_id": claim.slot_id, **promoted_answer(promoted)}


RULE = rehearsed("reservation.cancel", Args, cancel, "volunteer")

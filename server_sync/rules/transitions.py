"""The life of a claim, as data: which state may become which, and what people call the result."""

from __future__ import annotations

from typing import Final

from server_sync.protocol.errors import HOLD_EXPIRED, NOT_LIVE, Refusal
from server_sync.protocol.records import Claim, SlotReservation

TRANSITIONS: Final[dict[tuple[Claim, str], Claim]] = {
    ("held", "confirm"): "reserved",
    ("held", "expire"): "expired",
    ("held", "cancel"): "cancelled",
    ("waitlisted", "promote"): "reserved",
    ("waitlisted", "cancel"): "cancelled",
    ("reserved", "confirm"): "reserved",
    ("reserved", "cancel"): "cancelled",
    ("reserved", "move"): "reserved",
    ("waitlisted", "move"): "reserved",
    ("cancelled", "reinstate"): "reserved",
}


def after(claim: SlotReservation, step: str) -> Claim | Refusal:
    """The claim's state after *step*; ``NOT_LIVE`` (``HOLD_EXPIRED`` for an expired one) if it can't take it."""
    state = TRANSITIONS.get((claim.claim, step))
    if state is not None:
        return state
    return Refusal(
        HOLD_EXPIRED if claim.claim == "expired" else NOT_LIVE,
        {"reservation_id": claim.id, "claim": claim.claim},
    )

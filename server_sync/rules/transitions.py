"""The life of a claim, as data: which state may become which, and what is said where one may not."""

from __future__ import annotations

from typing import Final

from server_sync.protocol.errors import (
    HOLD_EXPIRED,
    NOT_CANCELLED,
    NOT_CONFIRMED,
    NOT_HELD,
    NOT_LIVE,
    NOT_WAITING,
    Refusal,
)
from server_sync.protocol.records import Claim, SlotReservation

TRANSITIONS: Final[dict[tuple[Claim, str], Claim]] = {
    ("held", "confirm"): "reserved",
    ("held", "expire"): "expired",
    ("held", "cancel"): "cancelled",
    ("held", "update"): "held",
    ("waitlisted", "promote"): "reserved",
    ("waitlisted", "remove"): "cancelled",
    ("waitlisted", "cancel"): "cancelled",
    ("waitlisted", "move"): "reserved",
    ("waitlisted", "update"): "waitlisted",
    ("reserved", "confirm"): "reserved",
    ("reserved", "cancel"): "cancelled",
    ("reserved", "move"): "reserved",
    ("reserved", "swap"): "reserved",
    ("reserved", "update"): "reserved",
    ("cancelled", "reinstate"): "reserved",
    ("expired", "reinstate"): "reserved",
}
"""By the claim's state and the step that a command takes. What is not here is refused."""

_REFUSED: Final[dict[str, str]] = {
    "expire": NOT_HELD,
    "promote": NOT_WAITING,
    "remove": NOT_WAITING,
    "reinstate": NOT_CANCELLED,
}
"""What is said of a step that only one kind of claim takes."""

_ENDED: Final[dict[Claim, str]] = {"cancelled": NOT_LIVE, "expired": HOLD_EXPIRED, "held": NOT_CONFIRMED}


def after(claim: SlotReservation, step: str) -> Claim | Refusal:
    """The claim's state after *step*, or why it can't take it."""
    state = TRANSITIONS.get((claim.claim, step))
    if state is not None:
        return state
    code = _REFUSED.get(step) or _ENDED.get(claim.claim, NOT_HELD if step == "confirm" else NOT_LIVE)
    return Refusal(code, {"reservation_id": claim.id, "claim": claim.claim})

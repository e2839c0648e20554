"""The seats of an import's claims, in slots whose places are seats: the best that are together, or none."""

from __future__ import annotations

from msgspec import structs

from server_sync.protocol.errors import Refusal
from server_sync.protocol.records import EventSlot, SlotReservation, SlotSeat
from server_sync.rules import seating
from server_sync.rules.draft import Draft
from server_sync.rules.import_plan import Plan
from server_sync.rules.state import SEATS_OF_LOCATION, SEATS_OF_SLOT


class Seats:
    """Takes seats claim by claim, each seeing what those before it took."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._draft = Draft(plan.state)

    def take(self, claim: SlotReservation, slot: EventSlot, spots: int, left: EventSlot | None = None) -> bool:
        """Seats in *slot* for *spots* of the claim, given back where it *left*; False, and nothing done, if it lacks
        them."""
        for seated in (slot, left):
            if seated is not None and seated.seated:
                self._plan.finds |= {(SEATS_OF_SLOT, seated.id), (SEATS_OF_LOCATION, seated.location_id)}
        trial = Draft(self._draft)
        if left is not None:
            seating.free(trial, claim)
        if slot.seated and isinstance(seating.take(trial, structs.replace(claim, spots=spots), slot, None), Refusal):
            return False
        self._draft.write(*trial.puts)
        return True

    def put(self) -> None:
        """The seats that changed hands."""
        for seat in self._draft.rows[SlotSeat].values():
            self._plan.put(self._plan.state.known(SlotSeat, seat.id), seat, counted=False)

"""What the Desk asks of the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from desktop.widgets.records import CodeMatch, DeskHeader, Outcome, PersonCard, PersonLine, RecentAction, SlotLine


class DeskPort(Protocol):
    """What the engine offers the Desk.

    The reading methods answer at once, from memory. The async ones return only when the command is durable in the
    outbox (`ok`), or was refused here (`ok` False, with words that say what to do); they raise only for a bug.
    """

    def subscribe(self, listener: Callable[[frozenset[UUID]], None]) -> Callable[[], None]:
        """Call `listener` in the event loop with the ids that changed (empty: anything); returns what ends it."""

    def header(self) -> DeskHeader:
        """The desk's name, the day, how many are here, and the programme's clock."""

    def search(self, text: str, limit: int) -> list[PersonLine]:
        """The best matches for `text`, best first, at most `limit`; every keystroke asks."""

    def card(self, person_id: UUID, reservation_id: UUID | None = None) -> PersonCard | None:
        """The card of a person or group, about `reservation_id` or else the nearest claim; None when unknown."""

    def find_code(self, text: str) -> CodeMatch | None:
        """What a code means; None when `text` is no code at all but a name."""

    def recent(self, limit: int) -> list[RecentAction]:
        """The last actions of this desk, newest first."""

    def free_slots(self, person_id: UUID | None, reservation_id: UUID | None) -> list[SlotLine]:
        """Slots to move that claim to, or to put that person or a walk-in (None) in; nearest first."""

    async def check_in(self, reservation_id: UUID, members: tuple[UUID, ...] | None = None) -> Outcome:
        """Record that they arrived: all who are not here yet, or only `members`."""

    async def no_show(self, reservation_id: UUID) -> Outcome:
        """Record that they did not show."""

    async def undo(self, command_id: UUID) -> Outcome:
        """Undo what that command did."""

    async def undo_member(self, reservation_id: UUID, person_id: UUID) -> Outcome:
        """Undo the arrival of one member of a group."""

    async def move(self, reservation_id: UUID, slot_id: UUID) -> Outcome:
        """Move the claim to another slot."""

    async def reserve(self, person_id: UUID, slot_id: UUID) -> Outcome:
        """Reserve a place for a known person or group."""

    async def walk_in(self, name: str, slot_id: UUID) -> Outcome:
        """Reserve a place for somebody who is only known by name, and record that they arrived."""

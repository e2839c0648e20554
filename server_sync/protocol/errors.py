"""Every code with which Callboard says no, what each means on HTTP, and the plain words for it.

A client must cope with a code that it does not know: it shows ``words`` as sent and treats it by its HTTP status alone.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

UNREADABLE: Final = "UNREADABLE"
NOT_SIGNED_IN: Final = "NOT_SIGNED_IN"
NOT_ALLOWED: Final = "NOT_ALLOWED"
NOT_FOUND: Final = "NOT_FOUND"
INVALID: Final = "INVALID"
BUSY: Final = "BUSY"

SLOT_FULL: Final = "SLOT_FULL"
SLOT_CLOSED: Final = "SLOT_CLOSED"
SLOT_CANCELLED: Final = "SLOT_CANCELLED"
BLOCK_FULL: Final = "BLOCK_FULL"
EVENT_FULL: Final = "EVENT_FULL"
EVENT_INACTIVE: Final = "EVENT_INACTIVE"
ALREADY_RESERVED: Final = "ALREADY_RESERVED"
DOUBLE_BOOKED: Final = "DOUBLE_BOOKED"
ROOM_TAKEN: Final = "ROOM_TAKEN"
ALREADY_EXISTS: Final = "ALREADY_EXISTS"
NOT_LIVE: Final = "NOT_LIVE"
MOVED: Final = "MOVED"
SAME_SLOT: Final = "SAME_SLOT"
STALE_VERSION: Final = "STALE_VERSION"
HOLD_EXPIRED: Final = "HOLD_EXPIRED"
NOTHING_TO_UNDO: Final = "NOTHING_TO_UNDO"
REASON_NEEDED: Final = "REASON_NEEDED"
MANUAL_SLOTS: Final = "MANUAL_SLOTS"
ALREADY_RESOLVED: Final = "ALREADY_RESOLVED"
ALREADY_REVOKED: Final = "ALREADY_REVOKED"
CODE_UNKNOWN: Final = "CODE_UNKNOWN"
KEY_REUSED: Final = "KEY_REUSED"
DEPENDENCY_REFUSED: Final = "DEPENDENCY_REFUSED"
UNKNOWN_KIND: Final = "UNKNOWN_KIND"
IMPORT_REFUSED: Final = "IMPORT_REFUSED"
ALREADY_WAITING: Final = "ALREADY_WAITING"
LINE_AHEAD: Final = "LINE_AHEAD"
BELOW_RESERVED: Final = "BELOW_RESERVED"
HAS_PEOPLE: Final = "HAS_PEOPLE"
SLOT_TAKEN: Final = "SLOT_TAKEN"
SEATS_NEEDED: Final = "SEATS_NEEDED"
SEATS_TAKEN: Final = "SEATS_TAKEN"
NO_SEATS: Final = "NO_SEATS"
NOT_WAITING: Final = "NOT_WAITING"
NOT_HELD: Final = "NOT_HELD"
NOT_CONFIRMED: Final = "NOT_CONFIRMED"
NOT_CANCELLED: Final = "NOT_CANCELLED"
NOT_EXPIRED: Final = "NOT_EXPIRED"
ERASED: Final = "ERASED"
SAME_PERSON: Final = "SAME_PERSON"
NOTHING_TO_DO: Final = "NOTHING_TO_DO"
IN_USE: Final = "IN_USE"
CANCELLED: Final = "CANCELLED"

WORDS: Final[dict[str, str]] = {
    UNREADABLE: "The request could not be read.",
    NOT_SIGNED_IN: "Sign in first: this needs a valid token.",
    NOT_ALLOWED: "This token may not do that.",
    NOT_FOUND: "There is nothing with that id.",
    INVALID: "A field has a value that can't be used.",
    BUSY: "The server is busy; the same request may be sent again.",
    SLOT_FULL: "The slot is full.",
    SLOT_CLOSED: "The slot is closed.",
    SLOT_CANCELLED: "The slot was cancelled.",
    BLOCK_FULL: "The time block is full.",
    EVENT_FULL: "The event is full.",
    EVENT_INACTIVE: "The event takes no reservations.",
    ALREADY_RESERVED: "This person has a place in that slot already.",
    DOUBLE_BOOKED: "This person is somewhere else at that time.",
    ROOM_TAKEN: "The room is in use at that time.",
    ALREADY_EXISTS: "There is one with that id already.",
    NOT_LIVE: "The reservation no longer holds a place.",
    MOVED: "Somebody else moved this reservation in the meantime.",
    SAME_SLOT: "The reservation is in that slot already.",
    STALE_VERSION: "Somebody else changed this in the meantime.",
    HOLD_EXPIRED: "The hold has expired.",
    NOTHING_TO_UNDO: "There is nothing left of that action to undo.",
    REASON_NEEDED: "This needs a reason.",
    MANUAL_SLOTS: "The slots of this block are made one by one.",
    ALREADY_RESOLVED: "Somebody resolved this already.",
    ALREADY_REVOKED: "That was revoked already.",
    CODE_UNKNOWN: "This code is unknown, used or expired; ask the organiser for a new one.",
    KEY_REUSED: "This id or Idempotency-Key was used for another request.",
    DEPENDENCY_REFUSED: "What this depended on was refused.",
    UNKNOWN_KIND: "The server does not know this kind of command; it may be older than this app.",
    IMPORT_REFUSED: "The file could not be imported.",
    ALREADY_WAITING: "This person waits in that line already.",
    LINE_AHEAD: "People who wait in line come first.",
    BELOW_RESERVED: "More is reserved than that allows; give a reason to overbook, or move people first.",
    HAS_PEOPLE: "People have places there; say what is to become of them.",
    SLOT_TAKEN: "Another slot of this block is at that time.",
    SEATS_NEEDED: "The places of this slot are seats; say which, or how many together.",
    SEATS_TAKEN: "Some of these seats are held or booked.",
    NO_SEATS: "The room has no seat map.",
    NOT_WAITING: "The reservation does not wait in line.",
    NOT_HELD: "The reservation is not on hold.",
    NOT_CONFIRMED: "The reservation is only on hold; confirm it first.",
    NOT_CANCELLED: "The reservation was not cancelled.",
    NOT_EXPIRED: "The hold has time left.",
    ERASED: "This person's data was erased.",
    SAME_PERSON: "Both are the same person.",
    NOTHING_TO_DO: "There is nothing to change.",
    IN_USE: "Something else still uses this.",
    CANCELLED: "It was cancelled, which can't be undone; make it anew.",
}
"""What a person reads. Screens add names and times; the code decides what they add."""

HTTP_STATUS: Final[dict[str, int]] = {
    UNREADABLE: 400,
    NOT_SIGNED_IN: 401,
    NOT_ALLOWED: 403,
    NOT_FOUND: 404,
    INVALID: 422,
}
"""Every code that is not here is a refusal of the domain: 409."""


class Refusal(msgspec.Struct, frozen=True):
    """An expected no. ``details`` is JSON that helps a client (ids, counts, times); ``words`` come from the code."""

    code: str
    details: dict[str, Any] = {}

    @property
    def words(self) -> str:
        """The refusal in a sentence."""
        return WORDS.get(self.code, "The request was refused.")

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return HTTP_STATUS.get(self.code, 409)


def error_body(refusal: Refusal) -> dict[str, Any]:
    """The one shape in which HTTP answers every error."""
    return {"error": refusal.words, "error_code": refusal.code, "details": refusal.details}

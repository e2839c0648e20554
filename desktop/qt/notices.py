"""Messages for the person at the desk: anybody may post one; they wait until a window listens."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

_MOST = 50  # a window that never comes must not let the queue grow without bound; the newest are kept


class NoticeKind(StrEnum):
    """How grave a notice is."""

    INFO = "note"
    GOOD = "good"
    WARN = "warn"
    ERROR = "bad"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message, already in words. `sticky` ones stay until somebody closes them."""

    kind: NoticeKind
    words: str
    sticky: bool = False


class Notices:
    """The queue between whoever has something to say and the window that says it."""

    def __init__(self) -> None:
        """Make an empty queue without a listener."""
        self._waiting: deque[Notice] = deque(maxlen=_MOST)
        self._listener: Callable[[Notice], None] | None = None

    def post(self, words: str, kind: NoticeKind = NoticeKind.INFO, sticky: bool = False) -> None:
        """Say something now, or as soon as a window listens."""
        notice = Notice(kind, words, sticky)
        if self._listener is None:
            self._waiting.append(notice)
        else:
            self._listener(notice)

    def listen(self, listener: Callable[[Notice], None] | None) -> None:
        """Hand everything to `listener` from now on, beginning with what has waited; None stops listening."""
        self._listener = listener
        while listener is not None and self._waiting:
            listener(self._waiting.popleft())

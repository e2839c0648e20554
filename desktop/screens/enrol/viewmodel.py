"""The first run: a code of eight characters, a server, and the first sync, as data."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from desktop.qt.i18n import tr
from desktop.widgets.records import EnrolStep, Outcome, SyncProgress

CODE_LENGTH = 8
NOTHING_YET = SyncProgress()


class EnrolPort(Protocol):
    """What the application offers the first run. A refusal is an Outcome that is not ok, with words; a bug raises."""

    async def enrol(self, code: str, server: str, progress: Callable[[SyncProgress], None]) -> Outcome:
        """Enrol this desk with `code` (8 characters, or all of a scanned QR code) at `server` ("" when the code says),
        then take the first sync, calling `progress` in the event loop as it goes on."""

    async def practise(self, progress: Callable[[SyncProgress], None]) -> Outcome:
        """Open the practice day that ships with the application."""


@dataclass(frozen=True, slots=True)
class EnrolState:
    """All that the page shows. `code` holds at most eight characters; `error` is in words and says what to do."""

    step: EnrolStep = EnrolStep.CODE
    code: str = ""
    server: str = ""
    asks_server: bool = False
    progress: SyncProgress = NOTHING_YET
    error: str = ""
    error_detail: str = ""
    practice: bool = False


def clean_code(text: str) -> str:
    """Return the code's own characters of what was typed or pasted: capitals and figures, no dashes, eight at most."""
    return "".join(letter for letter in text.upper() if letter.isascii() and letter.isalnum())[:CODE_LENGTH]


def is_scanned(text: str) -> bool:
    """Say whether `text` is the content of the organiser's QR code, which carries the server's address as well."""
    return "://" in text


class EnrolViewModel(QObject):
    """The state of the first run. `state_changed` is its only signal; `submit` and `practise` are awaited."""

    state_changed = Signal()

    def __init__(self, port: EnrolPort, server: str = "") -> None:
        """Begin with an empty code; `server` is the address known from before, if any."""
        super().__init__()
        self._port = port
        self._one_at_a_time = asyncio.Lock()
        self.state = EnrolState(server=server)

    def set_code(self, text: str) -> None:
        """Take what the boxes hold now."""
        self._set(code=clean_code(text), error="", error_detail="")

    def ask_server(self, asks: bool) -> None:
        """Show or hide the field for the server's address."""
        self._set(asks_server=asks)

    def set_server(self, server: str) -> None:
        """Take the server's address as typed."""
        self._set(server=server.strip(), error="", error_detail="")

    @property
    def complete(self) -> bool:
        """Whether all eight characters are there."""
        return len(self.state.code) == CODE_LENGTH

    async def submit(self, scanned: str = "") -> None:
        """Enrol with the code of the boxes, or with all of a `scanned` QR code."""
        code = scanned.strip() or self.state.code
        if not scanned and not self.complete:
            missing = CODE_LENGTH - len(self.state.code)
            self._set(error=tr("{count} characters are missing.", count=missing), error_detail="")
            return
        await self._run(lambda: self._port.enrol(code, self.state.server, self._on_progress), practice=False)

    async def practise(self) -> None:
        """Open the practice day."""
        await self._run(lambda: self._port.practise(self._on_progress), practice=True)

    async def _run(self, work: Callable[[], Awaitable[Outcome]], practice: bool) -> None:
        if self._one_at_a_time.locked():
            return
        async with self._one_at_a_time:
            self._set(step=EnrolStep.CONNECTING, error="", error_detail="", progress=NOTHING_YET, practice=practice)
            try:
                outcome = await work()
            except BaseException:
                # A bug, or the window closing: never leave a bar that stands still for ever.
                self._set(step=EnrolStep.CODE)
                raise
        if outcome.ok:
            self._set(step=EnrolStep.DONE)
        else:
            self._set(step=EnrolStep.CODE, error=outcome.words, error_detail=outcome.detail)

    def _on_progress(self, progress: SyncProgress) -> None:
        self._set(step=EnrolStep.SYNCING, progress=progress)

    def _set(self, **changes: object) -> None:
        before = self.state
        self.state = replace(before, **changes)  # type: ignore[arg-type]  # the names are EnrolState's own fields
        if self.state != before:
            self.state_changed.emit()

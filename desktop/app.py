"""The desk's composition root: makes everything, hands it down, starts and stops in order."""

from __future__ import annotations

import argparse
import asyncio
import logging
import logging.handlers
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import platformdirs
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QWidget

from desktop.day.claims import subject_of
from desktop.first_run import FirstRun, leave
from desktop.qt.actions import Action, Actions
from desktop.qt.i18n import tr
from desktop.qt.loop import run
from desktop.qt.notices import NoticeKind, Notices
from desktop.qt.single_window import SingleWindow, ask_forward
from desktop.qt.sounds import SoundPlayer
from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Appearance, Theme
from desktop.remote.token_store import TokenStore
from desktop.screens.attention.page import AttentionPage
from desktop.screens.attention.viewmodel import AttentionViewModel
from desktop.screens.board.page import BoardPage
from desktop.screens.board.viewmodel import BoardViewModel
from desktop.screens.desk.actions import desk_actions
from desktop.screens.desk.page import DeskPage
from desktop.screens.desk.slip import SlipPrinter
from desktop.screens.desk.viewmodel import DeskViewModel
from desktop.screens.enrol.page import EnrolPage
from desktop.screens.enrol.viewmodel import EnrolViewModel
from desktop.screens.paper.panel import PaperPanel
from desktop.screens.paper.viewmodel import PaperViewModel
from desktop.session import DeskSession
from desktop.shell.window import Window
from desktop.store.desk_store import Store
from desktop.store.profile import Profile
from desktop.store.refusals import StoreCode, StoreRefusal
from desktop.store.worker import ThreadWorker
from desktop.sync.status import Link, Status
from desktop.widgets.empty import EmptyState
from server_sync.protocol.records import SlotReservation

log = logging.getLogger(__name__)

TICK = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    profile: Path
    server: str = ""
    enrol: str = ""
    appearance: Appearance = Appearance.SYSTEM
    muted: bool = False


class Application:
    """One desk in one window. ``start``, then let the loop run, then ``stop``."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.theme = Theme(options.appearance)
        self.notices = Notices()
        self.actions = Actions()
        self.window = Window(self.theme, self.actions, self.notices)
        self.sounds = SoundPlayer(options.muted)
        self.tasks = TaskOwner("pages", self._failed)
        self._background = TaskOwner("application", self._failed)
        self.slips = SlipPrinter(options.profile / "slips", _open_file)
        self.profile: Profile | None = None
        self.worker: ThreadWorker | None = None
        self.store: Store | None = None
        self.session: DeskSession | None = None
        self.first_run: FirstRun | None = None
        self.enrol: EnrolViewModel | None = None
        self.desk: DeskPage | None = None
        self.board: BoardPage | None = None
        self.attention: AttentionPage | None = None
        self._forward: SingleWindow | None = None

    async def run(self, stop: asyncio.Event) -> int:
        """The whole life of the application; its exit code."""
        refusal = await self.start()
        if refusal is not None:
            print(f"callboard: {refusal.words}", file=sys.stderr)
            if refusal.code is StoreCode.IN_USE and ask_forward(self.options.profile):
                return 0
            self.window.show_alone(EmptyState(self.theme, "warning", tr("Callboard can't start"), refusal.words))
            self.window.show()
        await stop.wait()
        await self.stop()
        return 0 if refusal is None else 2

    async def start(self) -> StoreRefusal | None:
        """Open the profile and show the first run or the desk."""
        profile = Profile.open(self.options.profile)
        if isinstance(profile, StoreRefusal):
            return profile
        self.profile = profile
        self._forward = SingleWindow(profile.folder, self._come_forward)
        self.worker = ThreadWorker()
        store = await Store.open(profile.outbox, profile.cache, self.worker, lambda: datetime.now(UTC))
        if isinstance(store, StoreRefusal):
            return store
        self.store = store
        for notice in store.notices:
            self.notices.post(notice.words, NoticeKind.WARN)
        token = None if store.identity is None else TokenStore(store.identity.device, profile.token).load()
        if store.identity is None or token is None:
            self._show_first_run(profile, store)
        else:
            await self._open_desk(token)
            self._show_desk()
        self.window.show()
        self.window.activateWindow()
        self._background.start(self._tick(), "tick")
        return None

    async def stop(self) -> None:
        """Close everything in the opposite order."""
        await self._background.close()
        await self.tasks.close()
        await self.window.tasks.close()
        for page in (self.desk, self.board, self.attention):
            if page is not None:
                page.model.close()
        if self.session is not None:
            await self.session.stop()
        if self.store is not None:
            await self.store.close()
        if self.worker is not None:
            self.worker.close()
        if self._forward is not None:
            self._forward.close()
        if self.profile is not None:
            self.profile.close()
        self.sounds.close()
        self.window.close()

    # --------------------------------------------------------------- first run

    def _show_first_run(self, profile: Profile, store: Store, invited: bool = True) -> None:
        self.first_run = FirstRun(profile, store, self._open_desk, self.notices.post)
        known = self.options.server or ("" if store.identity is None else store.identity.server)
        self.enrol = EnrolViewModel(self.first_run, known)
        self.window.show_alone(EnrolPage(self.theme, self.enrol, self.tasks))
        if invited and self.options.enrol:
            self.enrol.set_code(self.options.enrol)
            self._background.start(self.enrol.submit(), "enrol")

    async def _open_desk(self, token: str) -> None:
        """Start the session; its pages are there from now on, and shown once there is something to show."""
        store = self.store
        assert store is not None
        assert store.identity is not None
        self.session = DeskSession(store, store.identity, token, self._status_changed, self._failed)
        await self.session.start()
        self._make_pages(self.session)

    # -------------------------------------------------------------------- desk

    def _make_pages(self, session: DeskSession) -> None:
        theme, window = self.theme, self.window
        self.desk = DeskPage(theme, DeskViewModel(session.desk), self.tasks, self.sounds.play, self.slips.print_card)
        self.board = BoardPage(theme, BoardViewModel(session.day), self.tasks, self._open_claim)
        self.attention = AttentionPage(theme, AttentionViewModel(session.attention), self.tasks)
        window.add_page("desk", tr("Desk"), "desk", self.desk, "Ctrl+1")
        window.add_page("board", tr("Board"), "board", self.board, "Ctrl+2")
        window.add_page("attention", tr("Attention"), "attention", self.attention, "Ctrl+5", bottom=True)
        window.add_help()
        for action in desk_actions(self.desk):
            self.actions.add(action)
        for action in self.board.actions_of():
            self.actions.add(replace(action, enabled=self.board.isVisible))
        words = tr("Print room lists, or everybody by name")
        self.actions.add(Action("paper", words, self._open_paper, "Ctrl+P", "print", tr("Window"), shared=True))
        self.attention.model.state_changed.connect(self._count_attention)
        self._count_attention()
        window.set_practice(session.day.identity.practice)
        window.show_strip(session.strip())

    def _show_desk(self) -> None:
        self.window.show_alone(None)
        self.window.show_page("desk")

    def _open_claim(self, claim_id: str) -> None:
        """Show on the Desk the card of a claim that was chosen on the Board."""
        if self.session is None or self.desk is None:
            return
        claim = self.session.day.state.get(SlotReservation, claim_id)
        subject = None if claim is None else subject_of(self.session.day, claim)
        if subject is None or not self.desk.model.show(UUID(subject), UUID(claim_id)):
            self.notices.post(tr("This is no longer there. Search again."), NoticeKind.WARN)
            return
        self.window.show_page("desk")
        self.desk.focus_card()

    def _open_paper(self) -> None:
        if self.session is not None:
            self.tasks.start(self._print_lists(PaperViewModel(self.session.day)), "paper")

    async def _print_lists(self, model: PaperViewModel) -> None:
        outcome = await PaperPanel(self.theme, self.window, model).closed()
        if outcome is not None:
            self.notices.post(outcome.words, NoticeKind.GOOD if outcome.ok else NoticeKind.WARN)

    def _count_attention(self) -> None:
        if self.attention is not None:
            self.window.set_badge("attention", self.attention.model.count)

    def _status_changed(self, status: Status) -> None:
        if self.first_run is not None:
            self.first_run.status(status)
            if status.whole and self.desk is not None:
                self.first_run = None
                self._show_desk()
        self._show_strip()
        if status.link is Link.REVOKED and self.session is not None:
            session, self.session = self.session, None
            self._background.start(self._leave(session, status.detail), "leave")

    async def _leave(self, session: DeskSession, words: str) -> None:
        """This desk was taken off: wipe what it knew, keep what was asked here, and begin with the first run."""
        profile, store, old = self.profile, self.store, self.window
        assert profile is not None
        assert store is not None
        for page in (self.desk, self.board, self.attention):
            if page is not None:
                page.model.close()
        self.desk = self.board = self.attention = None
        await session.stop()
        refusal = await leave(profile, store)
        self.actions = Actions()
        self.window = Window(self.theme, self.actions, self.notices)
        self._show_first_run(profile, store, invited=False)
        self.window.resize(old.size())
        self.window.show()
        await old.tasks.close()
        old.close()
        old.deleteLater()
        self.notices.listen(self.window.notice_area.show_notice)
        self.notices.post(words, NoticeKind.ERROR, sticky=True)
        if refusal is not None:
            self.notices.post(refusal.words, NoticeKind.ERROR, sticky=True)

    def _show_strip(self) -> None:
        if self.session is not None and self.desk is not None:
            self.window.show_strip(self.session.strip())

    async def _tick(self) -> None:
        """What changes by itself as time goes by."""
        minute = -1
        while True:
            await asyncio.sleep(TICK)
            self._show_strip()
            if self.session is None:
                continue
            if self.board is not None:
                self.board.model.tick()
            now = self.session.day.now().minute
            if now != minute:
                minute = now
                self.session.day.pass_time()

    def _come_forward(self) -> None:
        window: QWidget = self.window
        window.show()
        window.raise_()
        window.activateWindow()

    def _failed(self, name: str, error: BaseException) -> None:
        words = tr("Something went wrong in Callboard ({error}). Nothing that was confirmed is lost.", error=error)
        self.notices.post(words, NoticeKind.ERROR, sticky=True)


def read_options(arguments: Sequence[str]) -> Options:
    """The options in *arguments*; exits with a usage message where they make no sense."""
    parser = argparse.ArgumentParser(prog="callboard", description="The desk: check people in, online or not.")
    parser.add_argument("--profile", type=Path, metavar="DIR", help="folder of this desk's data")
    parser.add_argument("--server", default="", metavar="URL", help="the server's address, for the first run")
    parser.add_argument("--enrol", default="", metavar="CODE", help="enrol with this code at once")
    parser.add_argument("--light", action="store_true", help="light colours, whatever the system says")
    parser.add_argument("--dark", action="store_true", help="dark colours, whatever the system says")
    parser.add_argument("--mute", action="store_true", help="no sounds")
    found = parser.parse_args(arguments)
    appearance = Appearance.DARK if found.dark else Appearance.LIGHT if found.light else Appearance.SYSTEM
    profile = found.profile or Path(platformdirs.user_data_dir("callboard", appauthor=False)) / "default"
    return Options(profile.expanduser().resolve(), found.server, found.enrol, appearance, found.mute)


def keep_log(folder: Path) -> None:
    """Write what happens to a file in the profile, a megabyte at most; where that fails, to stderr."""
    handler: logging.Handler
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = logging.handlers.RotatingFileHandler(
            folder / "callboard.log", maxBytes=500_000, backupCount=1, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each exchange is too much


def _open_file(file: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(file)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The ``callboard`` command."""
    options = read_options(sys.argv[1:] if arguments is None else arguments)
    keep_log(options.profile)
    app = QApplication.instance() or QApplication(["callboard"])
    assert isinstance(app, QApplication)
    app.setApplicationName("Callboard")
    return run(app, lambda stop: Application(options).run(stop))


if __name__ == "__main__":
    sys.exit(main())

"""The Board as it looks: head line, filters, and the board; every key works without a mouse."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from desktop.qt.actions import Action
from desktop.qt.i18n import tr
from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Theme
from desktop.screens.board.layout import ZOOMS
from desktop.screens.board.records import BoardCard, BoardClaim, BoardState, Choice, Filter, Id, Phase
from desktop.screens.board.view import BoardView
from desktop.screens.board.viewmodel import BoardViewModel
from desktop.widgets.empty import EmptyState
from desktop.widgets.flow import FlowLayout
from desktop.widgets.header import PageHeader
from desktop.widgets.pick_panel import ChoicePainter, PickPanel
from desktop.widgets.pill import Pill, PillField, Stepper, spread
from desktop.widgets.status import LOOKS
from desktop.widgets.surface import Surface

_SECOND = 1000


class BoardPage(Surface):
    """Draws a `BoardViewModel`. `open_claim` shows the card of a claim as the Desk does."""

    def __init__(self, theme: Theme, model: BoardViewModel, tasks: TaskOwner, open_claim: Callable[[Id], None]) -> None:
        """Make the page; it follows `model` from now on."""
        super().__init__(theme)
        self.model = model
        self._tasks = tasks
        self._open_claim = open_claim
        self.header = PageHeader(theme)
        self.everyone = Pill(theme, tr("Everyone"), "people", checkable=True)
        self.late = Pill(theme, "", "late", checkable=True)
        self.free = Pill(theme, "", "free", checkable=True)
        self.events = Pill(theme, tr("All events"), "music", menu=True)
        self.days = Pill(theme, "", "calendar", menu=True)
        self.field = PillField(theme, tr("Find on the board"), tr("Find a name"))
        self.zoom = Stepper(theme, ("zoom_out", "zoom_in"), (tr("Zoom out"), tr("Zoom in")), self._step_zoom)
        self.now = Pill(theme, tr("Now"), "now", key="0")
        self.view = BoardView(theme)
        self.empty = EmptyState(theme, "board", "", "")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._build()
        self._connect()
        self._clock = QTimer(self)
        self._clock.setInterval(_SECOND)
        self._clock.timeout.connect(model.tick)
        self._show_state()

    def actions_of(self) -> list[Action]:
        """What can be done here, for the palette and the cheat sheet; most keys work while the board has the focus."""
        group = tr("Board")
        view, model = self.view, self.model
        return [
            Action("board.now", tr("Go to now"), view.go_to_now, "0", "now", group),
            Action("board.zoom_in", tr("Zoom in"), lambda: view.step_zoom(1), "+", "zoom_in", group),
            Action("board.zoom_out", tr("Zoom out"), lambda: view.step_zoom(-1), "-", "zoom_out", group),
            Action("board.find", tr("Find on the board"), self.field.setFocus, "/", "search", group),
            Action("board.everyone", tr("Show everyone"), lambda: self._filter(Filter.EVERYONE), "", "people", group),
            Action("board.late", tr("Show who is late"), lambda: self._filter(Filter.LATE), "", "late", group),
            Action("board.free", tr("Show what is free"), lambda: self._filter(Filter.FREE), "", "free", group),
            Action("board.event", tr("Show one event…"), self.choose_event, "", "music", group),
            Action("board.day", tr("Show another day…"), self.choose_day, "", "calendar", group),
            Action("board.next_day", tr("Next day"), lambda: model.step_day(1), "Ctrl+Right", "calendar", group),
            Action("board.last_day", tr("Day before"), lambda: model.step_day(-1), "Ctrl+Left", "calendar", group),
        ]

    def choose_event(self) -> None:
        """Open the list of events."""
        every = Choice("", tr("All events"))
        self._choose(tr("Show one event"), "music", (every, *self.model.state.events), self._take_event)

    def choose_day(self) -> None:
        """Open the list of days."""
        self._choose(tr("Show another day"), "calendar", self.model.state.days, self._take_day)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that the board did not use: a letter or / searches, Ctrl+arrows change the day, Esc shows everyone."""
        words = event.text()
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if control and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.model.step_day(1 if event.key() == Qt.Key.Key_Right else -1)
        elif event.key() == Qt.Key.Key_Escape:
            self._clear_filters()
        elif words == "/":
            self.field.setFocus()
        elif words.isalpha() and not control:
            self.field.set_text(words)
            self.model.stress(text=words)
            self.field.setFocus()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Hand the focus on to the board, once there is one."""
        super().focusInEvent(event)
        if self.model.state.phase is Phase.READY:
            self.view.setFocus(event.reason())

    def showEvent(self, event: QShowEvent) -> None:
        """Let time go by while the board is seen."""
        super().showEvent(event)
        self.model.tick()
        self._clock.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: nothing has to move."""
        super().hideEvent(event)
        self._clock.stop()

    # ---- building

    def _build(self) -> None:
        self._filters = QWidget()
        flow = FlowLayout(self._filters)
        for widget in (self.everyone, self.late, self.free, self.events, self.days, self.field):
            flow.addWidget(widget)
        self._middle = QStackedLayout()
        self._middle.addWidget(self.view)
        self._middle.addWidget(self.empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(28, 20, 28, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addSpacing(13)
        column.addLayout(spread(self._filters, [self.zoom, self.now]))
        column.addSpacing(16)
        column.addLayout(self._middle, 1)

    def _connect(self) -> None:
        self.model.state_changed.connect(self._show_state)
        for pill, filter in ((self.everyone, Filter.EVERYONE), (self.late, Filter.LATE), (self.free, Filter.FREE)):
            pill.clicked.connect(lambda _on=False, chosen=filter: self._filter(chosen))
        self.events.clicked.connect(self.choose_event)
        self.days.clicked.connect(self.choose_day)
        self.now.clicked.connect(self.view.go_to_now)
        self.field.text_edited.connect(lambda text: self.model.stress(text=text))
        self.field.entered.connect(self._to_board)
        self.field.left.connect(self._leave_field)
        self.view.opened.connect(self._open)
        self.view.zoom_changed.connect(self._show_zoom)
        self._show_zoom()

    # ---- showing

    def _show_state(self) -> None:
        state = self.model.state
        self.header.show_words(state.title, state.subtitle, state.clock)
        stress = state.stress
        for pill, filter in ((self.everyone, Filter.EVERYONE), (self.late, Filter.LATE), (self.free, Filter.FREE)):
            pill.setChecked(stress.filter is filter)
        # The head line counts people, these count slots.
        self.late.set_words(tr("Late: {count} slots", count=state.late))
        self.free.set_words(tr("Free: {count} slots", count=state.free))
        chosen = next((choice.words for choice in state.events if choice.key == stress.event_id), tr("All events"))
        self.events.set_words(_short(chosen))
        self.days.set_words(state.title)
        self.days.setVisible(len(state.days) > 1)
        self.field.set_text(stress.text)
        self.view.show_state(state)
        self._show_phase(state)

    def _show_phase(self, state: BoardState) -> None:
        ready = state.phase is Phase.READY
        for widget in (self._filters, self.zoom, self.now):
            widget.setVisible(ready)
        had = self.hasFocus()
        self._middle.setCurrentWidget(self.view if ready else self.empty)
        if had and ready:
            self.view.setFocus()
        if state.phase is Phase.LOADING:
            words = tr("The first copy of the programme is on its way. Check-in works as soon as it is here.")
            self.empty.show_words("download", tr("Fetching the day…"), words)
        elif state.phase is Phase.EMPTY:
            words = tr("An admin makes rooms and blocks in Manage, or imports a schedule; they appear by themselves.")
            self.empty.show_words("board", tr("No slots yet"), words)

    def _show_zoom(self) -> None:
        at = ZOOMS.index(self.view.zoom)
        self.zoom.show_words(tr("{count} min", count=self.view.zoom), at + 1 < len(ZOOMS), at > 0)

    # ---- keys and clicks

    def _filter(self, filter: Filter) -> None:
        self.model.stress(filter=filter)
        self._show_state()  # the pill that was clicked may have unchecked itself
        self.view.setFocus()

    def _clear_filters(self) -> None:
        self.model.stress(Filter.EVERYONE, "", "")
        self.view.setFocus()

    def _leave_field(self) -> None:
        self.model.stress(text="")
        self.view.setFocus()

    def _to_board(self) -> None:
        card = self.view.focused_card()
        stressed = self.model.state.stressed
        if card is None or (stressed is not None and card.slot_id not in stressed):
            self.view.focus_first()
        self.view.setFocus()

    def _step_zoom(self, step: int) -> None:
        self.view.step_zoom(step)

    def _open(self, card: BoardCard) -> None:
        if card.claims:
            self._tasks.start(self._open_one_of(card), "choose who")
        elif card.claim_id is not None:
            self._open_claim(card.claim_id)

    async def _open_one_of(self, card: BoardCard) -> None:
        """Ask which of several claims in a slot is meant."""

        def find(text: str) -> list[object]:
            return [claim for claim in card.claims if text.casefold() in claim.name.casefold()]

        def read(row: object) -> tuple[str, str, str]:
            assert isinstance(row, BoardClaim)
            return LOOKS[row.status.kind].icon, row.name, row.status.words

        title = f"{card.time} {card.title}"
        painter = ChoicePainter(self.theme, read)
        panel = PickPanel(self.theme, self.window(), title, tr("type a name"), painter, find)
        chosen = await panel.closed()
        if isinstance(chosen, BoardClaim):
            self._open_claim(chosen.claim_id)

    def _choose(self, title: str, icon: str, choices: tuple[Choice, ...], take: Callable[[str], None]) -> None:
        def find(text: str) -> list[object]:
            return [choice for choice in choices if text.casefold() in choice.words.casefold()]

        def read(row: object) -> tuple[str, str, str]:
            assert isinstance(row, Choice)
            return icon, row.words, row.detail

        async def ask() -> None:
            painter = ChoicePainter(self.theme, read)
            panel = PickPanel(self.theme, self.window(), title, tr("type to find"), painter, find)
            chosen = await panel.closed()
            if isinstance(chosen, Choice):
                take(chosen.key)

        self._tasks.start(ask(), title)

    def _take_event(self, event_id: str) -> None:
        self.model.stress(event_id=event_id)

    def _take_day(self, day: str) -> None:
        self.model.show_day(day)


def _short(words: str) -> str:
    """Words that fit a pill."""
    return words if len(words) <= 28 else words[:27].rstrip() + "…"

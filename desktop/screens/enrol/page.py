"""The first run as it looks: one card in the middle of an empty window."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.qt.i18n import tr
from desktop.qt.icons import draw_icon
from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Theme
from desktop.screens.enrol.code_boxes import CodeBoxes
from desktop.screens.enrol.viewmodel import EnrolState, EnrolViewModel
from desktop.widgets.button import Button
from desktop.widgets.card_parts import Rule
from desktop.widgets.input_field import InputField
from desktop.widgets.link import LinkButton
from desktop.widgets.message import MessageBox
from desktop.widgets.progress import ProgressBar
from desktop.widgets.records import EnrolStep, FixKind, Tone
from desktop.widgets.surface import Card, ScrollArea, Surface
from desktop.widgets.text import BODY, LEAD, SMALL, STRONG, TITLE_LARGE, TextBlock

PAUSE_MS = 250


class _Mark(QWidget):
    """An icon of `side` px before scaling in the colour of a token."""

    def __init__(self, theme: Theme, icon: str, side: int, token: str) -> None:
        super().__init__()
        self.theme = theme
        self._icon, self._side, self._token = icon, side, token
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        side = self.theme.text_px(self._side)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        draw_icon(painter, QRectF(self.rect()), self._icon, self.theme.color(self._token))
        painter.end()


class EnrolPage(Surface):
    """Draws an `EnrolViewModel`: the code, or the first sync, or what went wrong."""

    def __init__(self, theme: Theme, model: EnrolViewModel, tasks: TaskOwner) -> None:
        """Make the page; it follows `model` from now on."""
        super().__init__(theme)
        self.model = model
        self._tasks = tasks
        self._title = TextBlock(theme, TITLE_LARGE)
        self._lead = TextBlock(theme, LEAD, "text.secondary")
        self.boxes = CodeBoxes(theme)
        self.message = MessageBox(theme, Tone.BAD)
        self.server = InputField(theme, tr("Server address"), "https://callboard.school.example")
        self.connect_button = Button(theme, tr("Connect"), FixKind.PRIMARY, key=tr("Enter"), large=True)
        self.practice = Button(theme, tr("Try it with the practice day…"), icon="play")
        self.server_link = LinkButton(theme, tr("Server address…"), "text.secondary", weight=400)
        self.bar = ProgressBar(theme)
        self._counts = TextBlock(theme, BODY, "text.secondary")
        self._what = TextBlock(theme, STRONG)
        self.setFocusProxy(self.boxes)
        self.setAccessibleName(tr("Connect this laptop to your event"))
        # A scanner types a whole address into the boxes, whose first eight letters look like a code: the code is tried
        # only when no further key has come for a moment, longer than a scanner's and shorter than a person's.
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._submit)
        self._build()
        self._connect()
        self._show_state()

    def _build(self) -> None:
        card = Card(self.theme)
        card.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._card = card
        inner = QVBoxLayout(card)
        inner.setContentsMargins(45, 40, 45, 36)
        inner.setSpacing(0)
        brand = QHBoxLayout()
        brand.setSpacing(12)
        brand.addWidget(_Mark(self.theme, "board", 28, "accent"))
        brand.addWidget(TextBlock(self.theme, STRONG, "accent", "Callboard", elide=True), 1)
        inner.addLayout(brand)
        inner.addSpacing(18)
        inner.addWidget(self._title)
        inner.addSpacing(17)
        inner.addWidget(self._lead)
        inner.addSpacing(14)
        self._ask = self._make_ask()
        self._wait = self._make_wait()
        inner.addWidget(self._ask)
        inner.addWidget(self._wait)
        middle = Surface(self.theme, None)
        place = QVBoxLayout(middle)
        place.setContentsMargins(16, 16, 16, 16)
        place.addStretch(1)
        # Stretches, not an alignment: an aligned item is measured at the width of the whole row.
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(card)
        row.addStretch(1)
        place.addLayout(row)
        place.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(ScrollArea(self.theme, middle))
        self._fit()

    def _make_ask(self) -> Surface:
        part = Surface(self.theme, None)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.setSpacing(14)
        column.addWidget(self.boxes)
        self._scan_line = _ScanLine(self.theme)
        column.addWidget(self._scan_line)
        column.addWidget(self.message)
        column.addWidget(self.server)
        column.addWidget(self.connect_button)
        column.addWidget(_Or(self.theme))
        column.addWidget(self.practice)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, -4, 0)
        foot.addWidget(TextBlock(self.theme, SMALL, "text.secondary", tr("English"), elide=True), 1)
        foot.addWidget(self.server_link)
        column.addLayout(foot)
        self.practice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.connect_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return part

    def _make_wait(self) -> Surface:
        part = Surface(self.theme, None)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._what)
        column.addSpacing(12)
        column.addWidget(self.bar)
        column.addSpacing(12)
        column.addWidget(self._counts)
        return part

    def _connect(self) -> None:
        model = self.model
        model.state_changed.connect(self._show_state)
        self.theme.changed.connect(self._fit)
        self.boxes.edited.connect(self._edited)
        self.boxes.submitted.connect(self._submit)
        self.boxes.scanned.connect(self._scanned)
        self.boxes.typed.connect(self._pause.stop)
        self.server.edit.textEdited.connect(model.set_server)
        self.server.edit.returnPressed.connect(self._submit)
        self.connect_button.clicked.connect(self._submit)
        self.practice.clicked.connect(lambda: self._tasks.start(model.practise(), "practise"))
        self.server_link.clicked.connect(self._toggle_server)

    def _edited(self, text: str) -> None:
        """Take the code; once it is whole it is tried by itself, unless the server's address is being asked for."""
        self.model.set_code(text)
        self._pause.stop()
        if self.model.complete and not self.model.state.asks_server:
            self._pause.start()

    def _scanned(self, text: str) -> None:
        self._pause.stop()
        self._tasks.start(self.model.submit(text), "enrol")

    def _submit(self) -> None:
        self._pause.stop()
        self._tasks.start(self.model.submit(), "enrol")

    def _toggle_server(self) -> None:
        self.model.ask_server(not self.model.state.asks_server)
        (self.server.edit if self.model.state.asks_server else self.boxes).setFocus()

    def _show_state(self) -> None:
        state = self.model.state
        asking = state.step is EnrolStep.CODE
        had_focus = self.boxes.hasFocus() or self.server.edit.hasFocus() or not self._ask.isVisibleTo(self)
        self._ask.setVisible(asking)
        self._wait.setVisible(not asking)
        self.boxes.set_text(state.code)
        self.boxes.set_failed(bool(state.error))
        self._scan_line.setVisible(not state.error)
        self.message.show_words(state.error, state.error_detail)
        self.server.setVisible(state.asks_server)
        self.server.set_text(state.server)
        self.connect_button.setVisible(state.asks_server or bool(state.error))
        self.server_link.set_words(tr("Hide server address") if state.asks_server else tr("Server address…"))
        if asking:
            self._title.set_text(tr("Connect this laptop to your event"))
            ask = tr(
                "Ask the organiser for a desk code. It works once, for 15 minutes. Their QR code carries the server's "
                "address; with a code typed by hand, give the address too."
            )
            self._lead.set_text(ask)
            if had_focus and not self.server.edit.hasFocus():
                self.boxes.setFocus()
        else:
            self._show_progress(state)
        self.update()

    def _show_progress(self, state: EnrolState) -> None:
        progress = state.progress
        self.bar.set_progress(progress.done, progress.total)
        if state.step is EnrolStep.DONE:
            self._title.set_text(tr("This desk is ready"))
            self._lead.set_text(tr("Everything is on this laptop now, and works without the network."))
            self._what.set_text(tr("Opening the desk…"))
            self.bar.set_progress(1, 1)
        else:
            self._title.set_text(
                tr("Opening the practice day") if state.practice else tr("Bringing the day to this laptop")
            )
            self._lead.set_text(
                tr("After this, the desk works without the network. If the line is cut now, it goes on later.")
            )
            what = tr("Connecting…") if state.step is EnrolStep.CONNECTING else tr("Taking {what}…", what=progress.what)
            self._what.set_text(what)
        if progress.total:
            counts = tr("{done} of {total} rows", done=f"{progress.done:,}", total=f"{progress.total:,}")
        else:
            counts = tr("{done} rows", done=f"{progress.done:,}") if progress.done else ""
        self._counts.set_text(counts)

    def _fit(self) -> None:
        self._card.setFixedWidth(round(560 + (self.theme.scale - 1.0) * 480))


class _ScanLine(QWidget):
    """The line that says that scanning works as well."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(_Mark(theme, "scan", 18, "text.secondary"))
        words = tr("or scan the organiser's QR code into this field")
        row.addWidget(TextBlock(theme, SMALL, "text.secondary", words), 1)


class _Or(QWidget):
    """A line with "or" in its middle."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        row.addWidget(Rule(theme), 1, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(TextBlock(theme, BODY, "text.secondary", tr("or"), elide=True))
        row.addWidget(Rule(theme), 1, Qt.AlignmentFlag.AlignVCenter)

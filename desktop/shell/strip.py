"""The status strip always answers: online or not, how fresh, how many commands wait, whether the clock is right."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from desktop.qt.i18n import tr
from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.records import Connection, ConnectionState, Freshness, Span, StripState
from desktop.widgets.surface import Surface
from desktop.widgets.text import TINY, TextBlock

_DOTS = {
    ConnectionState.ONLINE: "here.mark",
    ConnectionState.OFFLINE: "late.text",
    ConnectionState.CONNECTING: "text.secondary",
    ConnectionState.TROUBLE: "late.text",
    ConnectionState.BLOCKED: "refused.text",
}


class _Dot(QWidget):
    """The coloured dot of the connection; hollow while connecting, so that it is not colour alone."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.state = ConnectionState.CONNECTING
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        side = self.theme.text_px(8)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self.theme.color(_DOTS[self.state])
        painter.setPen(color)
        painter.setBrush(color if self.state is not ConnectionState.CONNECTING else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(0, 0, self.width() - 1, self.height() - 1)
        painter.end()


class _ClockMark(QWidget):
    """The small clock before a warning about the clock."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        side = self.theme.text_px(14)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        draw_icon(painter, self.rect(), "clock", self.theme.color("late.text"))
        painter.end()


class StatusStrip(Surface):
    """One line at the foot of the window, 32 px high."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """Make a strip that does not know anything yet."""
        super().__init__(theme, "surface.raised", parent)
        self._dot = _Dot(theme)
        self._clock_mark = _ClockMark(theme)
        self._link = TextBlock(theme, TINY, "text.secondary", elide=True)
        self._fresh = TextBlock(theme, TINY, "text.secondary", elide=True)
        self._waiting = TextBlock(theme, TINY, "text.secondary", elide=True)
        self._clock = TextBlock(theme, TINY, "text.secondary", elide=True)
        self._who = TextBlock(theme, TINY, "text.secondary", elide=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 1, 16, 0)
        row.setSpacing(0)
        row.addWidget(self._dot)
        row.addSpacing(7)
        row.addWidget(self._link)
        row.addSpacing(20)
        row.addWidget(self._fresh)
        row.addStretch(1)
        row.addWidget(self._waiting)
        row.addSpacing(20)
        row.addWidget(self._clock_mark)
        row.addSpacing(3)
        row.addWidget(self._clock)
        self._who_gap = QWidget()
        self._who_gap.setFixedWidth(20)
        row.addWidget(self._who_gap)
        row.addWidget(self._who)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        for part in (self._waiting, self._clock, self._who):
            part.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._theme_changed)
        self.show_state(StripState(Connection(ConnectionState.CONNECTING), Freshness("")))

    def sizeHint(self) -> QSize:
        """32 px high at the default text scale."""
        return QSize(400, self.theme.control_px(32))

    def minimumSizeHint(self) -> QSize:
        """The words are elided in a narrow window."""
        return QSize(200, self.theme.control_px(32))

    def show_state(self, state: StripState) -> None:
        """Show `state`."""
        self._dot.state = state.connection.state
        self._dot.update()
        brief = self.theme.scale > 1.5
        self._state = state
        self._link.set_spans(_connection_spans(state.connection, brief))
        self._fresh.set_spans(_freshness_spans(state.freshness, brief))
        self._waiting.set_spans(_waiting_spans(state.waiting))
        self._clock.set_text(state.clock_note or tr("clock right"))
        self._clock.set_token("late.text" if state.clock_note else "text.secondary")
        self._clock_mark.setVisible(bool(state.clock_note))
        who = (Span(state.who, strong=True), Span(" · " + state.desk)) if state.who else (Span(state.desk),)
        self._who.set_spans(who if state.who or state.desk else ())
        for part in (self._who_gap, self._who):
            part.setVisible(bool(state.who or state.desk))
        words = (self._link, self._fresh, self._waiting, self._clock, self._who)
        self.setAccessibleName(tr("Status") + ": " + ", ".join(part.text for part in words if part.text))

    def _theme_changed(self) -> None:
        self.show_state(self._state)

    def paint_ground(self, painter: QPainter) -> None:
        """Paint the ground and the line above."""
        super().paint_ground(painter)
        painter.fillRect(QRect(0, 0, self.width(), 1), self.theme.color("border"))


def _connection_spans(connection: Connection, brief: bool) -> tuple[Span, ...]:
    detail = " · " + connection.detail if connection.detail else ""
    if connection.state is ConnectionState.ONLINE:
        if connection.desks == 1:
            return Span(tr("Online"), strong=True), Span(" · " + tr("1 desk") + detail)
        return Span(tr("Online"), strong=True), Span(" · " + tr("{count} desks", count=connection.desks) + detail)
    if connection.state is ConnectionState.OFFLINE:
        since = " " + tr("since {time}", time=connection.since) if connection.since else ""
        calm = "" if brief else " · " + tr("working from this laptop")
        return Span(tr("Offline"), strong=True), Span(since + calm + detail)
    if connection.state is ConnectionState.TROUBLE:
        return Span(tr("Trouble"), strong=True), Span(detail)
    if connection.state is ConnectionState.BLOCKED:
        return Span(tr("Not allowed"), strong=True), Span(detail)
    return Span(tr("Connecting…"), strong=True), Span(detail)


def _freshness_spans(freshness: Freshness, brief: bool) -> tuple[Span, ...]:
    if not freshness.age:
        return ()
    unseen = (Span(" · " + freshness.unseen),) if freshness.unseen and not brief else ()
    if freshness.live:
        return Span(tr("fresh") + " "), Span(freshness.age, strong=True), Span(" " + tr("ago")), *unseen
    return Span(tr("as of") + " "), Span(freshness.age + " " + tr("ago"), strong=True), *unseen


def _waiting_spans(waiting: int) -> tuple[Span, ...]:
    if waiting == 0:
        return (Span(tr("everything sent")),)
    return Span(str(waiting), strong=True), Span(" " + tr("waiting to be sent"))

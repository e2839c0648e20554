"""The board as a painted area that scrolls both ways under a fixed head of rooms and a fixed axis of time."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from desktop.qt.theme import Theme
from desktop.screens.board.card_painter import CardPainter, draw_focus
from desktop.screens.board.frame_painter import FramePainter
from desktop.screens.board.layout import ZOOMS, BoardLayout, Box, Placed
from desktop.screens.board.records import BoardState
from desktop.widgets.floating_bars import floating_bars
from desktop.widgets.painting import CARD_RADIUS, draw_box, draw_shadow, rounded

_FOOT = 12
_DIMMED = 0.28
_NOW_AT = 0.22  # of the height: what comes next matters more than what was


class BoardCanvas(QAbstractScrollArea):
    """Paints a `BoardState` with the card of `slot` in the ring of the focus. `zoom_changed` when the zoom is another.

    `settled` says that somebody moved; until then now stays in its place whatever the size.
    """

    zoom_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """Make a board of nothing."""
        super().__init__(parent)
        self.theme = theme
        self.state = BoardState()
        self.zoom = 15
        self.layout_ = BoardLayout((), 0, 0)
        self.slot = ""
        self.settled = False
        self._clear = 0
        self._cards = CardPainter(theme)
        self._frame = FramePainter(theme)
        self.setFrameShape(QFrame.Shape.NoFrame)
        # The ground is painted here too: what lies beneath, with its shadows, need not be painted for each frame.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.viewport().setAutoFillBackground(False)
        self.viewport().setMouseTracking(True)
        self._bars = floating_bars(self, theme)
        theme.changed.connect(self._theme_changed)

    def go_to_now(self) -> None:
        """Scroll so that now is near the top; on another day to the first card."""
        room = self.viewport().height() - self.layout_.header
        if self.state.now is not None and self.state.first <= self.state.now <= self.state.last:
            self.verticalScrollBar().setValue(round(self.layout_.y_of(self.state.now) - room * _NOW_AT))
        else:
            self.verticalScrollBar().setValue(0)
        self.viewport().update()

    def step_zoom(self, step: int) -> None:
        """Zoom in (+1) or out (-1); the focused card, or the middle, stays where it is on the screen."""
        at = ZOOMS.index(self.zoom) - step
        if not 0 <= at < len(ZOOMS):
            return
        placed = self.layout_.by_slot.get(self.slot)
        middle = self.top() + (self.viewport().height() - self.layout_.header) / 2
        y = placed.box.y if placed is not None and placed.box.meets(self.seen()) else middle
        minute, below = self.layout_.minute_at(y), y - self.top()
        self.zoom = ZOOMS[at]
        self.lay_out()
        self.verticalScrollBar().setValue(round(self.layout_.y_of(minute) - below))
        self.zoom_changed.emit()
        self.viewport().update()

    def lay_out(self) -> None:
        """Place everything for the present state, zoom, text scale and size."""
        width, height = self.viewport().width(), self.viewport().height()
        state = self.state
        layout = BoardLayout(state.rooms, state.first, state.last, self.zoom, self.theme.scale, width)
        self._clear = clear = 0
        if layout.height + _FOOT > height - layout.header:
            self._clear = clear = _FOOT  # the bar at the right must not lie over the last room's cards
            layout = BoardLayout(state.rooms, state.first, state.last, self.zoom, self.theme.scale, width - clear)
        self.layout_ = layout
        across, down = width - layout.axis - clear, height - layout.header
        for bar, whole, page in (
            (self.horizontalScrollBar(), round(layout.width), across),
            (self.verticalScrollBar(), round(layout.height) + _FOOT, down),
        ):
            bar.setPageStep(max(1, page))
            bar.setSingleStep(24)
            bar.setRange(0, max(0, whole - page))
        lower, right = self._bars
        lower.setGeometry(layout.axis, height - 12, width - layout.axis - 12, 12)
        right.setGeometry(width - 12, layout.header, 12, down - 16)
        self.viewport().update()

    def scroll_to(self, box: Box) -> None:
        """Scroll as little as needed to show a box of the board."""
        seen = self.seen()
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        if box.x < seen.x + 8:
            across.setValue(round(box.x - 8))
        elif box.right > seen.right - self._clear - 8:
            across.setValue(round(box.right - seen.width + self._clear + 8))
        tall = min(box.height, seen.height - 40)
        if box.height > seen.height / 2 and box.y < seen.bottom - 60 and box.bottom > seen.y + 60:
            return  # enough of a long one is seen
        if box.y < seen.y + 8:
            down.setValue(round(box.y - 24))
        elif box.y + tall > seen.bottom - 16:
            down.setValue(round(box.y + tall - seen.height + 32))

    def card_at(self, point: QPointF) -> Placed | None:
        """The card at a point of the viewport."""
        if point.x() < self.layout_.axis or point.y() < self.layout_.header:
            return None
        return self.layout_.at(
            point.x() - self.layout_.axis + self.left(), point.y() - self.layout_.header + self.top()
        )

    def seen(self) -> Box:
        """The part of the board that is seen."""
        width = self.viewport().width() - self.layout_.axis
        return Box(self.left(), self.top(), width, self.viewport().height() - self.layout_.header)

    def left(self) -> int:
        """How far it is scrolled to the right, in pixels."""
        return self.horizontalScrollBar().value()

    def top(self) -> int:
        """How far it is scrolled down, in pixels."""
        return self.verticalScrollBar().value()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show a hand over a card."""
        placed = self.card_at(event.position())
        shape = Qt.CursorShape.PointingHandCursor if placed is not None else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Ctrl zoom, with Shift sideways."""
        self.settled = True
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.step_zoom(1 if event.angleDelta().y() > 0 else -1)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not event.angleDelta().x():
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() - event.angleDelta().y())
        else:
            super().wheelEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """Tell the whole of a card or of a room's head as a tool tip."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            words = self._tip(event.pos())
            QToolTip.showText(event.globalPos(), words, self.viewport())
            return True
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the columns out for the new width."""
        super().resizeEvent(event)
        self.lay_out()
        if not self.settled:
            self.go_to_now()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Paint all that is seen again: the cards are kept as pixels."""
        self.viewport().update()

    def paint_outside(self, painter: QPainter, rect: object) -> None:
        """Cast the card's shadow on the surface below."""
        draw_shadow(painter, self.theme, self.geometry())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint ground and grid, the cards that are seen, the line of now, axis and head, and the border."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.viewport().rect())
        layout, left, top = self.layout_, self.left(), self.top()
        painter.fillRect(whole, self.theme.color("surface.base"))
        painter.save()
        painter.setClipPath(rounded(whole, CARD_RADIUS))
        painter.fillRect(whole, self.theme.color("surface.raised"))
        field = whole.adjusted(layout.axis, layout.header, 0, 0)
        origin = QPointF(layout.axis - left, layout.header - top)
        painter.save()
        painter.setClipRect(field, Qt.ClipOperation.IntersectClip)
        self._frame.paint_grid(painter, field, origin, layout, self.state)
        self._paint_cards(painter, origin)
        painter.restore()
        self._frame.paint_now(painter, field, origin, layout, self.state)
        self._frame.paint_axis(painter, whole, origin, layout, self.state)
        self._frame.paint_head(painter, whole, origin, layout, self.state)
        painter.restore()
        draw_box(painter, whole, CARD_RADIUS, None, self.theme.color("border"))
        painter.end()

    def _paint_cards(self, painter: QPainter, origin: QPointF) -> None:
        ratio = self.devicePixelRatioF()
        stressed = self.state.stressed
        for placed in self.layout_.visible(self.seen()):
            box = _pixels(placed.box, origin)
            dimmed = stressed is not None and placed.card.slot_id not in stressed
            if dimmed:
                painter.setOpacity(_DIMMED)
            self._cards.draw(painter, box, placed.card, ratio, self.layout_.header)
            if dimmed:
                painter.setOpacity(1.0)
            if placed.card.slot_id == self.slot and self.hasFocus():
                draw_focus(painter, self.theme, box)

    def _tip(self, point: QPoint) -> str:
        placed = self.card_at(QPointF(point))
        if placed is not None:
            return placed.card.spoken
        if point.y() < self.layout_.header and point.x() > self.layout_.axis:
            column = int((point.x() - self.layout_.axis + self.left()) // self.layout_.column_width)
            if column < len(self.state.rooms):
                return self.state.rooms[column].spoken
        return ""

    def _theme_changed(self) -> None:
        self._cards.forget()
        self.lay_out()


def _pixels(box: Box, origin: QPointF) -> QRectF:
    """A box of the board on the screen, on whole pixels."""
    left, top = round(box.x + origin.x()), round(box.y + origin.y())
    right, bottom = round(box.right + origin.x()), round(box.bottom + origin.y())
    return QRectF(left, top, right - left, bottom - top)

"""The board itself: a painted area that scrolls both ways under a fixed head of rooms and a fixed axis of time."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.screens.board.card_painter import CardPainter, draw_focus
from desktop.screens.board.frame_painter import FramePainter
from desktop.screens.board.layout import ZOOMS, BoardLayout, Box, Placed
from desktop.screens.board.moves import Step, aim_at, nearest, step_from
from desktop.screens.board.records import BoardCard, BoardState
from desktop.widgets.floating_bars import floating_bars
from desktop.widgets.painting import CARD_RADIUS, draw_box, draw_shadow, rounded

_STEPS = {
    Qt.Key.Key_Up: Step.UP,
    Qt.Key.Key_Down: Step.DOWN,
    Qt.Key.Key_Left: Step.LEFT,
    Qt.Key.Key_Right: Step.RIGHT,
    Qt.Key.Key_Home: Step.FIRST,
    Qt.Key.Key_End: Step.LAST,
}
_FOOT = 12
_DIMMED = 0.28
_NOW_AT = 0.22  # of the height: what comes next matters more than what was


class BoardView(QAbstractScrollArea):
    """Paints a `BoardState`. `opened` when a card is to be shown whole, `zoom_changed` when the zoom is another."""

    opened = Signal(object)
    zoom_changed = Signal()
    focused = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """Make a view of nothing."""
        super().__init__(parent)
        self.theme = theme
        self.state = BoardState()
        self.zoom = 15
        self.layout_ = BoardLayout((), 0, 0)
        self._cards = CardPainter(theme)
        self._frame = FramePainter(theme)
        self._slot = ""
        self._day = ""
        self._aim = 0.0  # the minute that steps to the side keep to
        self._settled = False  # whether somebody moved; until then now stays in its place
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Board: rooms side by side, time runs down"))
        self.viewport().setAutoFillBackground(False)
        self.viewport().setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._bars = floating_bars(self, theme)
        theme.changed.connect(self._theme_changed)

    # ---- asked by the page

    def show_state(self, state: BoardState) -> None:
        """Show another state; the scroll position and the focus stay where they can."""
        old, self.state = self.state, state
        if (old.rooms, old.first, old.last) != (state.rooms, state.first, state.last):
            self._lay_out()
        if state.day != self._day and state.rooms:
            self._day = state.day
            self._slot = ""
            self._settled = False
            self.horizontalScrollBar().setValue(0)
            self.go_to_now()
        if state.stressed != old.stressed and state.stressed and not self._any_stressed():
            self.focus_first()
        self._describe()
        self.viewport().update()

    def focused_card(self) -> BoardCard | None:
        """The card that has the keyboard's focus."""
        placed = self.layout_.by_slot.get(self._slot)
        return placed.card if placed is not None else None

    def focus_slot(self, slot_id: str) -> None:
        """Give the focus within the board to a slot's card, and scroll to it."""
        placed = self.layout_.by_slot.get(slot_id)
        if placed is not None:
            self._focus(placed)

    def focus_first(self) -> bool:
        """Focus the card nearest to now, or to the top of what is seen, among those that the filters leave."""
        y = self.layout_.y_of(self.state.now) if self.state.now is not None else float(self._top())
        placed = nearest(self.layout_, float(self._left()), y, self._wanted)
        if placed is not None:
            self._focus(placed)
        return placed is not None

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
        placed = self.layout_.by_slot.get(self._slot)
        middle = self._top() + (self.viewport().height() - self.layout_.header) / 2
        y = placed.box.y if placed is not None and placed.box.meets(self._seen()) else middle
        minute, below = self.layout_.minute_at(y), y - self._top()
        self.zoom = ZOOMS[at]
        self._lay_out()
        self.verticalScrollBar().setValue(round(self.layout_.y_of(minute) - below))
        self.zoom_changed.emit()
        self.viewport().update()

    # ---- events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Home, End, PgUp and PgDn move the focus; Enter opens; + and - zoom; 0 goes to now."""
        self._settled = True
        key = Qt.Key(event.key())
        step = _STEPS.get(key)
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        shifted = plain & ~Qt.KeyboardModifier.ShiftModifier
        if step is not None and not plain:
            self._move(step)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and not plain:
            self._page(-1 if key == Qt.Key.Key_PageUp else 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.focused_card())
        elif event.text() in ("+", "=") and not shifted:
            self.step_zoom(1)
        elif event.text() in ("-", "−") and not shifted:
            self.step_zoom(-1)
        elif event.text() == "0" and not plain:
            self.go_to_now()
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show a hand over a card."""
        placed = self._at(event.position())
        shape = Qt.CursorShape.PointingHandCursor if placed is not None else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click opens the card."""
        self._settled = True
        placed = self._at(event.position())
        if placed is not None and event.button() == Qt.MouseButton.LeftButton:
            self._focus(placed)
            self._open(placed.card)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Ctrl zoom, with Shift sideways."""
        self._settled = True
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
        self._lay_out()
        if not self._settled:
            self.go_to_now()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show which card the keys are about."""
        super().focusInEvent(event)
        if self.focused_card() is None and event.reason() is not Qt.FocusReason.MouseFocusReason:
            self.focus_first()
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The ring goes with the focus."""
        super().focusOutEvent(event)
        self.viewport().update()

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
        layout, left, top = self.layout_, self._left(), self._top()
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

    # ---- within

    def _paint_cards(self, painter: QPainter, origin: QPointF) -> None:
        ratio = self.devicePixelRatioF()
        stressed = self.state.stressed
        for placed in self.layout_.visible(self._seen()):
            box = _pixels(placed.box, origin)
            dimmed = stressed is not None and placed.card.slot_id not in stressed
            if dimmed:
                painter.setOpacity(_DIMMED)
            self._cards.draw(painter, box, placed.card, ratio)
            if dimmed:
                painter.setOpacity(1.0)
            if placed.card.slot_id == self._slot and self.hasFocus():
                draw_focus(painter, self.theme, box)

    def _lay_out(self) -> None:
        width, height = self.viewport().width(), self.viewport().height()
        state = self.state
        layout = BoardLayout(state.rooms, state.first, state.last, self.zoom, self.theme.scale, width)
        self.layout_ = layout
        across, down = width - layout.axis, height - layout.header
        for bar, whole, page in (
            (self.horizontalScrollBar(), round(layout.width), across),
            (self.verticalScrollBar(), round(layout.height) + _FOOT, down),
        ):
            bar.setPageStep(max(1, page))
            bar.setSingleStep(24)
            bar.setRange(0, max(0, whole - page))
        lower, right = self._bars
        lower.setGeometry(layout.axis, height - 12, across - 12, 12)
        right.setGeometry(width - 12, layout.header, 12, down - 16)
        self.viewport().update()

    def _move(self, step: Step) -> None:
        placed = self.layout_.by_slot.get(self._slot)
        if placed is None:
            self.focus_first()
        else:
            aim = self._aim
            self._focus(step_from(self.layout_, placed, step, self._wanted, aim))
            if step in (Step.LEFT, Step.RIGHT):
                self._aim = aim

    def _page(self, way: int) -> None:
        """Scroll by what is seen; the focus goes to the same place on the screen."""
        bar = self.verticalScrollBar()
        placed = self.layout_.by_slot.get(self._slot)
        seen = self._seen()
        x = placed.box.x if placed is not None else seen.x
        y = placed.box.y if placed is not None and placed.box.meets(seen) else seen.y + seen.height / 3
        before = bar.value()
        bar.setValue(before + way * round(seen.height * 0.85))
        moved = bar.value() - before
        found = nearest(self.layout_, x, y + (moved or way * seen.height), self._wanted)
        if found is not None:
            self._focus(found)

    def _focus(self, placed: Placed) -> None:
        self._slot = placed.card.slot_id
        self._aim = aim_at(self.layout_, placed)
        self._scroll_to(placed.box)
        self._describe()
        self.focused.emit(placed.card)
        self.viewport().update()

    def _scroll_to(self, box: Box) -> None:
        seen = self._seen()
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        if box.x < seen.x + 8:
            across.setValue(round(box.x - 8))
        elif box.right > seen.right - 8:
            across.setValue(round(box.right - seen.width + 8))
        tall = min(box.height, seen.height - 40)
        if box.y < seen.y + 8:
            down.setValue(round(box.y - 24))
        elif box.y + tall > seen.bottom - 16:
            down.setValue(round(box.y + tall - seen.height + 32))

    def _describe(self) -> None:
        card = self.focused_card()
        room = next((room for room in self.state.rooms if card is not None and room.room_id == card.room_id), None)
        words = f"{room.name}, {card.spoken}" if room is not None and card is not None else ""
        if self.accessibleDescription() != words:
            self.setAccessibleDescription(words)

    def _open(self, card: BoardCard | None) -> None:
        if card is not None:
            self.opened.emit(card)

    def _wanted(self, placed: Placed) -> bool:
        return self.state.stressed is None or placed.card.slot_id in self.state.stressed

    def _any_stressed(self) -> bool:
        return any(self._wanted(placed) for placed in self.layout_.visible(self._seen()))

    def _tip(self, point: QPoint) -> str:
        placed = self._at(QPointF(point))
        if placed is not None:
            return placed.card.spoken
        if point.y() < self.layout_.header and point.x() > self.layout_.axis:
            column = int((point.x() - self.layout_.axis + self._left()) // self.layout_.column_width)
            if column < len(self.state.rooms):
                return self.state.rooms[column].spoken
        return ""

    def _at(self, point: QPointF) -> Placed | None:
        if point.x() < self.layout_.axis or point.y() < self.layout_.header:
            return None
        return self.layout_.at(
            point.x() - self.layout_.axis + self._left(), point.y() - self.layout_.header + self._top()
        )

    def _seen(self) -> Box:
        width = self.viewport().width() - self.layout_.axis
        return Box(self._left(), self._top(), width, self.viewport().height() - self.layout_.header)

    def _left(self) -> int:
        return self.horizontalScrollBar().value()

    def _top(self) -> int:
        return self.verticalScrollBar().value()

    def _theme_changed(self) -> None:
        self._cards.forget()
        self._lay_out()


def _pixels(box: Box, origin: QPointF) -> QRectF:
    """A box of the board on the screen, on whole pixels."""
    left, top = round(box.x + origin.x()), round(box.y + origin.y())
    right, bottom = round(box.right + origin.x()), round(box.bottom + origin.y())
    return QRectF(left, top, right - left, bottom - top)

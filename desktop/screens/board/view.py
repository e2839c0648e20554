"""The board in use: a focus that moves from card to card, and what keys and clicks do."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.screens.board.canvas import BoardCanvas
from desktop.screens.board.layout import Placed
from desktop.screens.board.moves import Step, aim_at, nearest, soonest, step_from
from desktop.screens.board.records import BoardCard, BoardState

_STEPS = {
    Qt.Key.Key_Up: Step.UP,
    Qt.Key.Key_Down: Step.DOWN,
    Qt.Key.Key_Left: Step.LEFT,
    Qt.Key.Key_Right: Step.RIGHT,
    Qt.Key.Key_Home: Step.FIRST,
    Qt.Key.Key_End: Step.LAST,
}


class BoardView(BoardCanvas):
    """The board that the page shows. `opened` (a BoardCard) when a card is to be shown whole."""

    opened = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """Make a view of nothing."""
        super().__init__(theme, parent)
        self._day = ""
        self._aim = 0.0  # the minute that steps to the side keep to
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Board: rooms side by side, time runs down"))

    def show_state(self, state: BoardState) -> None:
        """Show another state; the scroll position and the focus stay where they can."""
        old, self.state = self.state, state
        if (old.rooms, old.first, old.last) != (state.rooms, state.first, state.last):
            self.lay_out()
        if state.day != self._day and state.rooms:
            self._day = state.day
            self.slot = ""
            self.settled = False
            self.horizontalScrollBar().setValue(0)
            self.go_to_now()
        if state.stressed != old.stressed and state.stressed and self.isVisible() and not self._any_stressed():
            self.focus_first()
        self._describe()
        self.viewport().update()

    def focused_card(self) -> BoardCard | None:
        """The card that has the keyboard's focus."""
        placed = self.layout_.by_slot.get(self.slot)
        return placed.card if placed is not None else None

    def focus_slot(self, slot_id: str) -> None:
        """Give the focus within the board to a slot's card, and scroll to it."""
        placed = self.layout_.by_slot.get(slot_id)
        if placed is not None:
            self._focus(placed)

    def focus_first(self) -> None:
        """Focus the card nearest to now, or to the top of what is seen, among those that the filters leave."""
        now, top = self.state.now, float(self.top())
        placed = soonest(self.layout_, self.layout_.y_of(now) if now is not None else top, self._wanted)
        if placed is not None:
            self._focus(placed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Home, End, PgUp and PgDn move the focus; Enter opens; + and - zoom; 0 goes to now."""
        self.settled = True
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

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click opens the card."""
        self.settled = True
        placed = self.card_at(event.position())
        if placed is not None and event.button() == Qt.MouseButton.LeftButton:
            self._focus(placed)
            self._open(placed.card)

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

    def _move(self, step: Step) -> None:
        placed = self.layout_.by_slot.get(self.slot)
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
        placed = self.layout_.by_slot.get(self.slot)
        seen = self.seen()
        x = placed.box.x if placed is not None else seen.x
        y = placed.box.y if placed is not None and placed.box.meets(seen) else seen.y + seen.height / 3
        before = bar.value()
        bar.setValue(before + way * round(seen.height * 0.85))
        moved = bar.value() - before
        found = nearest(self.layout_, x, y + (moved or way * seen.height), self._wanted)
        if found is not None:
            self._focus(found)

    def _focus(self, placed: Placed) -> None:
        self.slot = placed.card.slot_id
        self._aim = aim_at(self.layout_, placed)
        self.scroll_to(placed.box)
        self._describe()
        self.viewport().update()

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
        return any(self._wanted(placed) for placed in self.layout_.visible(self.seen()))

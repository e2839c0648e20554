"""The members of a group as tick boxes: arrow keys move, space ticks one, Enter takes all."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.qt.i18n import tr
from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.painting import BUTTON_RADIUS, draw_box, draw_text
from desktop.widgets.records import MemberLine

_COLUMN = 190


class MemberGrid(QWidget):
    """Painted tick boxes in as many columns as fit. `ticked(person_id, here)`; `taken_all()` on Enter."""

    ticked = Signal(object, bool)
    taken_all = Signal()

    def __init__(self, theme: Theme, members: tuple[MemberLine, ...]) -> None:
        """Show `members` in their order."""
        super().__init__()
        self.theme = theme
        self._members = members
        self.current = next((at for at, member in enumerate(members) if not member.here), 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self.updateGeometry)
        self._say()

    def set_current(self, at: int) -> None:
        """Move the cursor to the member at `at`, held within the list."""
        self.current = min(len(self._members) - 1, max(0, at))
        self._say()
        self.update()

    def hasHeightForWidth(self) -> bool:
        """Narrower means fewer columns, hence more lines."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height in pixels at `width`."""
        return self._line() * -(-len(self._members) // self._columns(width))

    def sizeHint(self) -> QSize:
        """Three columns, if they fit."""
        return QSize(3 * self.theme.text_px(_COLUMN), self.heightForWidth(self.width()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move, space ticks, Enter takes all."""
        columns = self._columns(self.width())
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns}
        key = Qt.Key(event.key())
        if key in steps:
            self.set_current(self.current + steps[key])
        elif event.isAutoRepeat():
            event.accept()  # a key held down ticks once
        elif key == Qt.Key.Key_Space:
            self._tick(self.current)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.taken_all.emit()
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click ticks the member beneath."""
        for at in range(len(self._members)):
            if self._cell(at).contains(event.position().toPoint()):
                self.set_current(at)
                self._tick(at)
                return

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the cursor."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the cursor."""
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint each member: box, name, and the cursor's ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for at, member in enumerate(self._members):
            self._paint_member(painter, self._cell(at), member, self.hasFocus() and at == self.current)
        painter.end()

    def _paint_member(self, painter: QPainter, cell: QRect, member: MemberLine, current: bool) -> None:
        theme = self.theme
        if current:
            box = QRectF(cell).adjusted(0, 1, -6, -1)
            draw_box(painter, box, BUTTON_RADIUS, theme.color("accent.subtle"), theme.color("accent"), 2.0)
        side = theme.text_px(18)
        mark = QRectF(cell.left() + 8, cell.center().y() - side / 2 + 0.5, side, side)
        pending = member.status is not None and member.status.pending
        icon, token = ("check_square", "here.text") if member.here else ("square", "text.secondary")
        draw_icon(painter, mark, icon, theme.color(token))
        words = QRectF(mark.right() + 8, cell.top(), cell.right() - mark.right() - 22, cell.height())
        name = member.name + ("  ○" if pending else "")
        ink = theme.color("here.text" if member.here else "text.primary")
        draw_text(painter, words, name, theme.font(14, 500), ink)

    def _tick(self, at: int) -> None:
        member = self._members[at]
        self.ticked.emit(member.person_id, not member.here)

    def _columns(self, width: int) -> int:
        return max(1, min(3, width // self.theme.text_px(_COLUMN)))

    def _line(self) -> int:
        return self.theme.control_px(32)

    def _cell(self, at: int) -> QRect:
        columns = self._columns(self.width())
        width = self.width() // columns
        return QRect((at % columns) * width, (at // columns) * self._line(), width, self._line())

    def _say(self) -> None:
        if not self._members:
            return
        member = self._members[self.current]
        state = tr("here") if member.here else tr("not here yet")
        here = sum(1 for each in self._members if each.here)
        self.setAccessibleName(tr("Members, {here} of {all} here", here=here, all=len(self._members)))
        self.setAccessibleDescription(f"{member.name}, {state}")

"""Eight boxes for the desk's code, over one line edit: typing, pasting and scanning all work as in any field."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.screens.enrol.viewmodel import CODE_LENGTH, clean_code, is_scanned
from desktop.widgets.painting import draw_box, draw_halo, draw_text

# The boxes stand in groups of three, three and two, as codes are spoken.
_GROUPS = (3, 6)
_GAP = 10
_DASH = 32


class CodeBoxes(QWidget):
    """Shows `text` in eight boxes.

    `typed` at each key, `edited(text)` at each change, `submitted` on Enter, `scanned(text)` for a QR code.

    A scanner types the whole content of the QR code and Enter. What does not fit the boxes is kept until Enter comes.
    """

    typed = Signal()
    edited = Signal(str)
    submitted = Signal()
    scanned = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Make empty boxes."""
        super().__init__()
        self.theme = theme
        self.text = ""
        self.failed = False
        self._typed = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.set_text("")
        theme.changed.connect(self.updateGeometry)

    def set_text(self, text: str) -> None:
        """Show `text`, cleaned."""
        self.text = clean_code(text)
        self.setAccessibleName(tr("Desk code, {count} of 8 characters", count=len(self.text)))
        self.setAccessibleDescription(" ".join(self.text))
        self.update()

    def set_failed(self, failed: bool) -> None:
        """Show the boxes as refused, or not."""
        self.failed = failed
        self.update()

    def sizeHint(self) -> QSize:
        """64 px high at the default text scale, and the room of the halo."""
        return QSize(470, self.theme.control_px(64) + 8)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Edit the code; the boxes are always filled from the left."""
        key = event.key()
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter()
        elif key == Qt.Key.Key_Backspace:
            self._typed = ""
            self._take(self.text[:-1])
        elif key == Qt.Key.Key_Delete:
            self._typed = ""
            self._take("")
        elif event.text() and event.text().isprintable():
            self._typed += event.text()
            self.typed.emit()
            self._take(self.text + event.text())
        else:
            super().keyPressEvent(event)

    def paste(self) -> None:
        """Take the code, or the QR code's content, from the clipboard."""
        text = QApplication.clipboard().text().strip()
        if is_scanned(text):
            self.scanned.emit(text)
        else:
            self._take(clean_code(text))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click gives the boxes the focus."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show which box comes next."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide it."""
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the boxes, the dashes between the groups, and the halo of the next box."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self.theme
        current = min(len(self.text), CODE_LENGTH - 1) if self.hasFocus() else -1
        for at in range(CODE_LENGTH):
            box = self._box(at)
            if at in _GROUPS:
                dash = QRectF(box.left() - _DASH, box.top(), _DASH, box.height())
                ink = theme.color("text.secondary")
                draw_text(painter, dash, "–", theme.font(20), ink, Qt.AlignmentFlag.AlignHCenter)
            if at == current:
                draw_halo(painter, theme, box, 12)
            edge = "accent" if at == current else "refused.text" if self.failed else "border"
            ground = "surface.raised" if at == current else "surface.base"
            draw_box(painter, box, 12, theme.color(ground), theme.color(edge), 2.0)
            letter = self.text[at] if at < len(self.text) else ""
            font = theme.font(28, 700)
            draw_text(painter, box, letter, font, theme.color("text.primary"), Qt.AlignmentFlag.AlignHCenter)
        painter.end()

    def _box(self, at: int) -> QRectF:
        """Return the place of one box; the outer ones leave room for the halo outside the widget's own edge."""
        dashes = sum(1 for group in _GROUPS if at >= group)
        free = self.width() - _GAP * (CODE_LENGTH - 1 - len(_GROUPS)) - _DASH * len(_GROUPS)
        width = free / CODE_LENGTH
        left = at * width + (at - dashes) * _GAP + dashes * _DASH
        return QRectF(round(left), 4, round(width), self.height() - 8)

    def _take(self, text: str) -> None:
        cleaned = clean_code(text)
        if cleaned != self.text:
            self.set_text(cleaned)
            self.edited.emit(cleaned)

    def _enter(self) -> None:
        typed, self._typed = self._typed, ""
        if is_scanned(typed):
            self.scanned.emit(typed)
        else:
            self.submitted.emit()

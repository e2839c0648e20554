"""The search field: 64 px high, an accent border and a halo while it has the focus. Scanners type into it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QWidget

from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.painting import CARD_RADIUS, draw_box, draw_halo, draw_text
from desktop.widgets.surface import Surface

_ICON_LEFT = 23
_TEXT_LEFT = 60
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def bare_line_edit(theme: Theme, size: int, weight: int = 400, parent: QWidget | None = None) -> QLineEdit:
    """Return a line edit without frame or ground, in the theme's font and colours; follows the theme."""
    edit = QLineEdit(parent)
    edit.setFrame(False)
    edit.setAttribute(Qt.WidgetAttribute.WA_MacShowFocusRect, False)

    def apply() -> None:
        palette = theme.palette()
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        edit.setPalette(palette)
        edit.setFont(theme.font(size, weight))

    theme.follow(edit, apply)
    return edit


def _is_for_window(event: QKeyEvent) -> bool:
    """Say whether a key with Ctrl is the window's: all are but those that copy, cut, paste and select.

    A line edit takes Ctrl+Z (its own undo) and on some systems Ctrl+K and Ctrl+F for itself.
    """
    standard = QKeySequence.StandardKey
    own = any(event.matches(key) for key in (standard.Copy, standard.Cut, standard.Paste, standard.SelectAll))
    letter = Qt.Key.Key_Space < event.key() <= Qt.Key.Key_AsciiTilde
    return letter and not own and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)


class SearchField(Surface):
    """A large field with a magnifying glass and a quiet hint at the right, shown while there is room for it."""

    text_edited = Signal(str)
    submitted = Signal()

    def __init__(self, theme: Theme, name: str, hint: str, hint_icon: str = "scan") -> None:
        """Make a field; `name` is its accessible name, `hint` the words at the right."""
        super().__init__(theme, None)
        self._hint = hint
        self._hint_icon = hint_icon
        self.edit = bare_line_edit(theme, 24, 500)
        self.edit.setAccessibleName(name)
        self.edit.setAccessibleDescription(hint)
        self.edit.textEdited.connect(self.text_edited)
        self.edit.installEventFilter(self)
        self.setFocusProxy(self.edit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self.edit)
        self._fit()
        theme.changed.connect(self._fit)

    def sizeHint(self) -> QSize:
        """64 px high at the default text scale."""
        return QSize(480, self.theme.control_px(64))

    def set_text(self, text: str) -> None:
        """Show `text` if the field shows something else; keeps the cursor where it can."""
        if self.edit.text() != text:
            self.edit.setText(text)
            self.update()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Redraw border and halo when the focus comes or goes; leave the window's keys to the window."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and _is_for_window(event):
            event.ignore()
            return True
        # Enter ends here. A line edit passes it on to the page, which may have given the keys to a card by then.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _ENTER:
            if not event.isAutoRepeat():
                self.submitted.emit()
            return True
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
            parent = self.parentWidget()
            if parent is not None:
                parent.update(self.geometry().adjusted(-6, -6, 6, 6))
        return False

    def paint_ground(self, painter: QPainter) -> None:
        """Paint the box, the magnifying glass and the hint."""
        focused = self.edit.hasFocus()
        border = self.theme.color("accent" if focused else "text.secondary")
        draw_box(painter, self.rect(), CARD_RADIUS, self.theme.color("surface.raised"), border, 2.0 if focused else 1.0)
        side = self.theme.text_px(25)
        glass = QRectF(_ICON_LEFT, (self.height() - side) / 2, side, side)
        draw_icon(painter, glass, "search", self.theme.color("text.primary"))
        if not self._hint_fits():
            return
        font = self.theme.font(14)
        color = self.theme.color("text.secondary")
        width = self._hint_width()
        words = QRectF(self.width() - 22 - width, 0, width + 2, self.height())
        draw_text(painter, words, self._hint, font, color)
        mark = self.theme.text_px(19)
        box = QRectF(words.left() - 9 - mark, (self.height() - mark) / 2, mark, mark)
        draw_icon(painter, box, self._hint_icon, color)

    def paint_outside(self, painter: QPainter, rect: QRect) -> None:
        """Draw the halo of the focus on the surface below."""
        if self.edit.hasFocus():
            draw_halo(painter, self.theme, rect, CARD_RADIUS)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Keep the text clear of the hint, then paint."""
        self._fit()
        super().paintEvent(event)

    def _hint_width(self) -> float:
        return QFontMetricsF(self.theme.font(14)).horizontalAdvance(self._hint)

    def _hint_fits(self) -> bool:
        typed = QFontMetricsF(self.theme.font(24, 500)).horizontalAdvance(self.edit.text())
        return typed + self._hint_width() + _TEXT_LEFT + self.theme.text_px(90) < self.width()

    def _fit(self) -> None:
        right = round(self._hint_width()) + self.theme.text_px(18) + 48 if self._hint_fits() else 22
        left = _TEXT_LEFT + round((self.theme.scale - 1.0) * 25)
        wanted = (left, 0, right, 0)
        margins = self._row.contentsMargins()
        if (margins.left(), margins.top(), margins.right(), margins.bottom()) != wanted:
            self._row.setContentsMargins(*wanted)
            self.updateGeometry()

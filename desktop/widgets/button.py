"""Buttons: primary, normal, danger and quiet, each with its key as a small cap."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QFocusEvent, QFont, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.chip import draw_key_cap, key_cap_size
from desktop.widgets.painting import BUTTON_RADIUS, draw_box, draw_ring, draw_text
from desktop.widgets.records import FixKind

_GAP = 10


class Button(QAbstractButton):
    """A button of our own painting. Enter and Space press it while it has the focus."""

    def __init__(
        self,
        theme: Theme,
        words: str,
        kind: FixKind = FixKind.NORMAL,
        icon: str = "",
        key: str = "",
        large: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """Make a button; `icon` is a key of ICONS, `key` the shortcut's words ("Enter", "M"), `large` 52 px high."""
        super().__init__(parent)
        self.theme = theme
        self.kind = kind
        self.icon_name = icon
        self.key = key
        self.large = large
        self._hovered = False
        self.set_words(words)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.changed.connect(self._theme_changed)

    def set_words(self, words: str) -> None:
        """Change the words, also those that a screen reader says."""
        self.setText(words.replace("&", "&&"))
        self.words = words
        self.setAccessibleName(words)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Icon, words and key cap side by side with padding."""
        side = self._side()
        width = 2 * side + QFontMetricsF(self._font()).horizontalAdvance(self.words)
        if self.icon_name:
            width += self._icon() + _GAP
        if self.key:
            width += _GAP + key_cap_size(self.theme, self.key).width()
        return QSize(round(width), self.theme.control_px(52 if self.large else 44))

    def minimumSizeHint(self) -> QSize:
        """Words may be elided where there is no room at all."""
        hint = self.sizeHint()
        return QSize(min(hint.width(), self.theme.text_px(96)), hint.height())

    def colours(self) -> tuple[str | None, str | None, str]:
        """Return the tokens of fill, border and ink in the present state."""
        if not self.isEnabled():
            return "surface.sunken", None, "text.secondary"
        if self.kind is FixKind.PRIMARY:
            solid = "accent.pressed" if self.isDown() else "accent.hover" if self._hovered else "accent"
            return solid, None, "accent.on"
        rest = None if self.kind is FixKind.QUIET else "surface.raised"
        fill = "surface.sunken" if self._hovered or self.isDown() else rest
        ink = {FixKind.DANGER: "refused.text", FixKind.QUIET: "text.secondary"}.get(self.kind, "text.primary")
        return fill, None if self.kind is FixKind.QUIET else "border", ink

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint ground, icon, words and key cap, centred."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill, border, ink = self.colours()
        focused = self.hasFocus()
        ring = "accent" if self.kind is not FixKind.PRIMARY else "accent.on"
        draw_box(
            painter,
            self.rect(),
            BUTTON_RADIUS,
            self.theme.color(fill) if fill is not None else None,
            self.theme.color(border) if border is not None else None,
        )
        if focused:
            inset = 0 if self.kind is not FixKind.PRIMARY else 2
            box = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
            draw_box(painter, box, BUTTON_RADIUS - inset, None, self.theme.color(ring), 2.0 if inset == 0 else 1.5)
        self._paint_content(painter, ink)
        painter.end()

    def paint_outside(self, painter: QPainter, rect: QRect) -> None:
        """Draw the ring of the focus on the surface below."""
        if self.hasFocus():
            draw_ring(painter, self.theme, rect, BUTTON_RADIUS)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let Enter press the button as Space does, once however long it is held."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self.click()
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()  # arrows belong to the page; Qt would move the focus among sibling buttons
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Remember that the pointer is over the button."""
        self._hovered = True
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the pointer."""
        self._hovered = False
        self.update()
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Redraw the ring too, which stands on the surface below."""
        super().focusInEvent(event)
        self._redraw_ring()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Redraw without the ring."""
        super().focusOutEvent(event)
        self._redraw_ring()

    def _redraw_ring(self) -> None:
        self.update()
        parent = self.parentWidget()
        if parent is not None:
            parent.update(self.geometry().adjusted(-6, -6, 6, 6))

    def _paint_content(self, painter: QPainter, ink: str) -> None:
        color = self.theme.color(ink)
        hint = self.sizeHint().width() - 2 * self._side()
        left = max(float(self._side()) / 2, (self.width() - hint) / 2)
        right = self.width() - left
        middle = self.height() / 2
        if self.icon_name:
            side = self._icon()
            draw_icon(painter, QRectF(left, middle - side / 2, side, side), self.icon_name, color)
            left += side + _GAP
        if self.key:
            cap = key_cap_size(self.theme, self.key)
            right -= cap.width()
            ground, letters = self._cap_colours()
            box = QRectF(round(right), round(middle - cap.height() / 2), cap.width(), cap.height())
            draw_key_cap(painter, self.theme, box, self.key, ground, letters)
            right -= _GAP
        draw_text(painter, QRectF(left, 0, right - left, self.height()), self.words, self._font(), color)

    def _cap_colours(self) -> tuple[str, str]:
        if self.kind is FixKind.PRIMARY and self.isEnabled():
            return "accent.key", "accent.on"
        return ("surface.raised" if self._hovered or not self.isEnabled() else "surface.sunken"), "text.secondary"

    def _font(self) -> QFont:
        return self.theme.font(16 if self.large else 14, 600)

    def _icon(self) -> int:
        return self.theme.text_px(20 if self.large else 18)

    def _side(self) -> int:
        return 22 if self.large else 16

    def _theme_changed(self) -> None:
        self.updateGeometry()
        self.update()

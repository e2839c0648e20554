"""Fully round controls of a tool row: filters that can be on, menus, a pair of steps, and a small search field."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.button import Button
from desktop.widgets.chip import draw_key_cap, key_cap_size
from desktop.widgets.painting import draw_box, draw_ring, draw_text
from desktop.widgets.records import FixKind
from desktop.widgets.search_field import bare_line_edit
from desktop.widgets.surface import Surface

_HEIGHT = 34
_SIDE = 14
_GAP = 8


def pill_height(theme: Theme) -> int:
    """Height of a pill in pixels: 34 at the default text scale."""
    return theme.control_px(_HEIGHT)


class Pill(Button):
    """A round button: icon, words, and a key cap or a caret that says that a menu opens. On while it is checked."""

    def __init__(
        self, theme: Theme, words: str, icon: str, key: str = "", menu: bool = False, checkable: bool = False
    ) -> None:
        """Make a pill; `icon` is a key of ICONS."""
        self._menu = menu
        super().__init__(theme, words, FixKind.NORMAL, icon, key)
        self.setCheckable(checkable)

    def sizeHint(self) -> QSize:
        """Icon, words, and cap or caret, with padding."""
        # As wide as it is when it is on, so that nothing moves when it is pressed.
        words = QFontMetricsF(self.theme.font(14, 600)).horizontalAdvance(self.words)
        width = 2 * _SIDE + words + self._icon() + _GAP
        if self.key:
            width += _GAP + key_cap_size(self.theme, self.key).width()
        if self._menu:
            width += _GAP + self.theme.text_px(16)
        return QSize(round(width), pill_height(self.theme))

    def minimumSizeHint(self) -> QSize:
        """A pill may shrink; its words are then elided."""
        return QSize(min(self.sizeHint().width(), self.theme.text_px(72)), pill_height(self.theme))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint ground, icon, words, and cap or caret."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, radius = self.theme, self.height() / 2
        on = self.isChecked()
        fill = "accent.subtle" if on else "surface.sunken" if self._hovered or self.isDown() else "surface.raised"
        border = None if on else theme.color("border")
        draw_box(painter, self.rect(), radius, theme.color(fill), border)
        if self.hasFocus():
            draw_box(painter, self.rect(), radius, None, theme.color("accent"), 2.0)
        color = theme.color("accent" if on else "text.secondary")
        side, middle = self._icon(), self.height() / 2
        draw_icon(painter, QRectF(_SIDE, middle - side / 2, side, side), self.icon_name, color)
        right = float(self.width() - _SIDE)
        if self.key:
            cap = key_cap_size(theme, self.key)
            right -= cap.width()
            box = QRectF(round(right), round(middle - cap.height() / 2), cap.width(), cap.height())
            draw_key_cap(painter, theme, box, self.key, "surface.sunken", "text.secondary")
            right -= _GAP
        if self._menu:
            caret = theme.text_px(16)
            right -= caret
            draw_icon(painter, QRectF(right, middle - caret / 2, caret, caret), "caret_down", color)
            right -= _GAP
        left = _SIDE + side + _GAP
        draw_text(painter, QRectF(left, 0, right - left + 1, self.height()), self.words, self._font(), color)
        painter.end()

    def paint_outside(self, painter: QPainter, rect: QRect) -> None:
        """Draw the ring of the focus on the surface below."""
        if self.hasFocus():
            draw_ring(painter, self.theme, rect, self.height() / 2)

    def _font(self) -> QFont:
        return self.theme.font(14, 600 if self.isChecked() else 500)

    def _icon(self) -> int:
        return self.theme.text_px(18)


class _StepButton(Button):
    """One round half of a stepper: an icon alone, mirrored if `mirrored`."""

    mirrored = False

    def sizeHint(self) -> QSize:
        """As wide as high, a little less than its pill."""
        side = pill_height(self.theme) - 6
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:
        """Never smaller."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the icon, on a ground while hovered, in a ring while focused."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._hovered or self.isDown():
            draw_box(painter, self.rect(), self.height() / 2, self.theme.color("surface.sunken"))
        if self.hasFocus():
            draw_box(painter, self.rect(), self.height() / 2, None, self.theme.color("accent"), 2.0)
        side = self.theme.text_px(18)
        box = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        if self.mirrored:
            painter.translate(self.width(), 0)
            painter.scale(-1, 1)
        draw_icon(painter, box, self.icon_name, self.theme.color("text.secondary", 1.0 if self.isEnabled() else 0.4))
        painter.end()


class Stepper(Surface):
    """A pill with a step down, words, and a step up."""

    def __init__(
        self,
        theme: Theme,
        icons: tuple[str, str],
        names: tuple[str, str],
        step: Callable[[int], None],
        mirror: bool = False,
    ) -> None:
        """Make a stepper; `icons` and `names` (accessible) are those of down and up, `step(-1 | 1)` is called.

        `mirror` turns the icon of down around, so that one arrow does for both.
        """
        super().__init__(theme, None)
        self._words = ""
        self.down = _StepButton(theme, names[0], FixKind.QUIET, icons[0])
        self.up = _StepButton(theme, names[1], FixKind.QUIET, icons[1])
        self.down.mirrored = mirror
        self.down.clicked.connect(lambda: step(-1))
        self.up.clicked.connect(lambda: step(1))
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 3, 8, 3)
        row.setSpacing(0)
        row.addWidget(self.down)
        row.addStretch(1)
        row.addWidget(self.up)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)

    def show_words(self, words: str, down: bool, up: bool) -> None:
        """Show `words` between the steps; `down` and `up` say which step is possible."""
        self._words = words
        self.down.setEnabled(down)
        self.up.setEnabled(up)
        self.setAccessibleName(words)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Both steps and the words."""
        words = QFontMetricsF(self._font()).horizontalAdvance(self._words)
        return QSize(round(words) + 2 * self.down.sizeHint().width() + 16 + 6, pill_height(self.theme))

    def paint_ground(self, painter: QPainter) -> None:
        """Paint the pill and the words."""
        ground, border = self.theme.color("surface.raised"), self.theme.color("border")
        draw_box(painter, self.rect(), self.height() / 2, ground, border)
        color = self.theme.color("text.secondary")
        draw_text(painter, self.rect(), self._words, self._font(), color, Qt.AlignmentFlag.AlignHCenter)

    def _font(self) -> QFont:
        return self.theme.font(14, 500, tabular=True)


class PillField(Surface):
    """A small round search field. `entered` when Enter or Down goes on to what was found, `left` for Esc."""

    text_edited = Signal(str)
    entered = Signal()
    left = Signal()

    def __init__(self, theme: Theme, name: str, hint: str) -> None:
        """Make an empty field; `name` is its accessible name, `hint` shows while it is empty."""
        super().__init__(theme, None)
        self.edit = bare_line_edit(theme, 14, 500)
        self.edit.setAccessibleName(name)
        self.edit.setPlaceholderText(hint)
        self.edit.textEdited.connect(self.text_edited)
        self.edit.installEventFilter(self)
        self.setFocusProxy(self.edit)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self.edit)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._fit)
        self._fit()

    def sizeHint(self) -> QSize:
        """Room for a name."""
        return QSize(self.theme.text_px(190), pill_height(self.theme))

    def minimumSizeHint(self) -> QSize:
        """Room for a short name."""
        return QSize(self.theme.text_px(120), pill_height(self.theme))

    def set_text(self, text: str) -> None:
        """Show `text` if the field shows something else."""
        if self.edit.text() != text:
            self.edit.setText(text)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Enter and Down go on, Esc leaves; the border follows the focus."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        if event.type() == QEvent.Type.KeyPress:
            key = getattr(event, "key", lambda: None)()
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
                self.entered.emit()
                return True
            if key == Qt.Key.Key_Escape:
                self.left.emit()
                return True
        return False

    def paint_ground(self, painter: QPainter) -> None:
        """Paint the pill and the magnifying glass."""
        focused = self.edit.hasFocus()
        border = self.theme.color("accent" if focused else "border")
        draw_box(
            painter,
            self.rect(),
            self.height() / 2,
            self.theme.color("surface.raised"),
            border,
            2.0 if focused else 1.0,
        )
        side = self.theme.text_px(18)
        box = QRectF(_SIDE, (self.height() - side) / 2, side, side)
        draw_icon(painter, box, "search", self.theme.color("accent" if focused else "text.secondary"))

    def _fit(self) -> None:
        self._row.setContentsMargins(_SIDE + self.theme.text_px(18) + 4, 0, _SIDE, 0)
        self.updateGeometry()


def spread(left: QWidget, right: list[QWidget]) -> QHBoxLayout:
    """Return a row with `left` at its beginning, taking all the room, and `right` at its end."""
    row = QHBoxLayout()
    row.setSpacing(10)
    row.addWidget(left, 1)
    for widget in right:
        row.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
    return row

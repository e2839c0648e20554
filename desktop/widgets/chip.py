"""The status chip (icon, word, colour, hollow dot) and the key cap, as painters and as widgets."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.qt.i18n import tr
from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.widgets.painting import draw_box, draw_hatch, draw_text
from desktop.widgets.records import StatusWord
from desktop.widgets.status import LOOKS

# Phosphor leaves a margin in its box: 17 px of font give 15 px of ink.
_ICON = 17
_SIDE = 8
_GAP = 5
_DOT = 8


def chip_height(theme: Theme) -> int:
    """Height of a chip in pixels: 26 at the default text scale."""
    return theme.control_px(26)


def chip_size(theme: Theme, status: StatusWord) -> QSize:
    """Return the size that the chip of `status` needs."""
    words = QFontMetricsF(theme.font(13, 600)).horizontalAdvance(status.words)
    dot = theme.text_px(_DOT) + _GAP + 2 if status.pending else 0
    return QSize(round(_SIDE + theme.text_px(_ICON) + _GAP + words + dot + _SIDE + 1), chip_height(theme))


def draw_chip(painter: QPainter, theme: Theme, rect: QRect | QRectF, status: StatusWord) -> None:
    """Draw the chip of `status` over `rect`; words that do not fit are elided, icon and dot never."""
    look = LOOKS[status.kind]
    box = QRectF(rect)
    radius = box.height() / 2
    fill = theme.color(look.fill) if look.fill is not None else None
    border = theme.color(look.border) if look.border is not None else None
    draw_box(painter, box, radius, fill)
    if look.hatched:
        draw_hatch(painter, box, radius, theme.color("waiting.subtle"))
    if border is not None:
        draw_box(painter, box, radius, None, border, 1.5 if look.border != "border" else 1.25)
    color = theme.color(look.text)
    side = theme.text_px(_ICON)
    icon_box = QRectF(box.left() + _SIDE, box.center().y() - side / 2, side, side)
    draw_icon(painter, icon_box, look.icon, color)
    dot_width = theme.text_px(_DOT) + _GAP + 2 if status.pending else 0
    words_left = icon_box.right() + _GAP
    words = QRectF(words_left, box.top(), box.right() - _SIDE - dot_width - words_left, box.height())
    font = theme.font(13, 600)
    draw_text(painter, words, status.words, font, color)
    painter.setPen(QPen(color, 1.4))
    if look.struck:
        end = min(words.right(), words_left + QFontMetricsF(font).horizontalAdvance(status.words))
        painter.drawLine(QPointF(words_left, box.center().y()), QPointF(end, box.center().y()))
    if status.pending:
        draw_pending_dot(painter, theme, QPointF(box.right() - _SIDE - theme.text_px(_DOT) / 2, box.center().y()))


def draw_pending_dot(painter: QPainter, theme: Theme, centre: QPointF) -> None:
    """Draw the small hollow dot of "not yet confirmed by the server" in the pen's colour."""
    painter.save()
    painter.setPen(QPen(painter.pen().color(), 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    radius = theme.text_px(_DOT) / 2 - 0.5
    painter.drawEllipse(centre, radius, radius)
    painter.restore()


def spoken_status(status: StatusWord) -> str:
    """Return the status as a screen reader should say it."""
    return tr("{status}, not yet confirmed by the server", status=status.words) if status.pending else status.words


class StatusChip(QWidget):
    """A chip as a widget. Without a status it takes no room."""

    def __init__(self, theme: Theme, status: StatusWord | None = None, parent: QWidget | None = None) -> None:
        """Make a chip that shows `status`."""
        super().__init__(parent)
        self.theme = theme
        self._status: StatusWord | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._theme_changed)
        self.set_status(status)

    @property
    def status(self) -> StatusWord | None:
        """The status shown."""
        return self._status

    def set_status(self, status: StatusWord | None) -> None:
        """Show another status, or nothing."""
        self._status = status
        # Showing a widget that has no parent yet would open a window of its own, which takes the focus.
        if status is None or self.parentWidget() is not None:
            self.setVisible(status is not None)
        self.setAccessibleName(spoken_status(status) if status is not None else "")
        self._theme_changed()

    def sizeHint(self) -> QSize:
        """The room that icon, words and dot need."""
        return chip_size(self.theme, self._status) if self._status is not None else QSize(0, 0)

    def minimumSizeHint(self) -> QSize:
        """Icon and the first letters; never less than is needed to tell the status."""
        return QSize(min(self.sizeHint().width(), self.theme.text_px(120)), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the chip."""
        if self._status is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_chip(painter, self.theme, self.rect(), self._status)
        painter.end()

    def _theme_changed(self) -> None:
        self.updateGeometry()
        self.update()


def key_cap_size(theme: Theme, key: str) -> QSize:
    """Return the size of the small cap that shows `key`."""
    words = QFontMetricsF(theme.font(11, 600)).horizontalAdvance(key)
    height = theme.control_px(18)
    return QSize(max(height, round(words + 12)), height)


def draw_key_cap(painter: QPainter, theme: Theme, rect: QRect | QRectF, key: str, ground: str, ink: str) -> None:
    """Draw a key cap on the token `ground` with letters in the token `ink`."""
    draw_box(painter, rect, 5, theme.color(ground))
    draw_text(painter, rect, key, theme.font(11, 600), theme.color(ink), Qt.AlignmentFlag.AlignHCenter)


class KeyCap(QWidget):
    """A key cap as a widget: "Ctrl Z"."""

    def __init__(self, theme: Theme, key: str, parent: QWidget | None = None) -> None:
        """Make a cap that shows `key`."""
        super().__init__(parent)
        self.theme = theme
        self._key = key
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Key {key}", key=key))
        theme.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """As wide as its letters, at least square."""
        return key_cap_size(self.theme, self._key)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the cap."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_key_cap(painter, self.theme, self.rect(), self._key, "surface.sunken", "text.secondary")
        painter.end()

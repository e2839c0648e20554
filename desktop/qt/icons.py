"""Icons by what they mean, drawn from QtAwesome's Phosphor set in one weight."""

from __future__ import annotations

import os
from functools import lru_cache

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPixmap

os.environ.setdefault("QT_API", "pyside6")  # qtpy, beneath QtAwesome, must not pick another binding

import qtawesome

# Meaning -> glyphs of the Phosphor font, laid over one another, each with its share of the size.
ICONS: dict[str, tuple[tuple[str, float], ...]] = {
    "scan": (("corners-out", 1.2), ("minus", 0.7)),
    "search": (("magnifying-glass", 1.0),),
    "desk": (("corners-out", 1.15), ("minus", 0.7)),
    "board": (("squares-four", 1.0),),
    "room": (("microphone", 1.0),),
    "manage": (("sliders-horizontal", 1.0),),
    "attention": (("flag", 1.0),),
    "help": (("question", 1.0),),
    "expected": (("clock", 1.0),),
    "late": (("alarm", 1.0),),
    "here": (("check", 1.0),),
    "on_stage": (("microphone", 1.0),),
    "done": (("checks", 1.0),),
    "no_show": (("x-circle", 1.0),),
    "waitlisted": (("list-numbers", 1.0),),
    "held": (("hourglass-medium", 1.0),),
    "cancelled": (("prohibit", 1.0),),
    "free": (("circle-dashed", 1.0),),
    "blocked": (("lock-simple", 1.0),),
    "timer": (("timer", 1.0),),
    "check": (("check", 1.0),),
    "check_circle": (("check-circle", 1.0),),
    "close": (("x", 1.0),),
    "warning": (("warning", 1.0),),
    "refused": (("x-circle", 1.0),),
    "info": (("info", 1.0),),
    "move": (("arrows-left-right", 1.0),),
    "print": (("printer", 1.0),),
    "undo": (("arrow-counter-clockwise", 1.0),),
    "reserve": (("plus-circle", 1.0),),
    "walk_in": (("user-plus", 1.0),),
    "people": (("users", 1.0),),
    "person": (("user", 1.0),),
    "calendar": (("calendar-blank", 1.0),),
    "calendar_refused": (("calendar-x", 1.0),),
    "hourglass": (("hourglass", 1.0),),
    "place": (("map-pin", 1.0),),
    "arrow_right": (("arrow-right", 1.0),),
    "caret_down": (("caret-down", 1.0),),
    "caret_right": (("caret-right", 1.0),),
    "play": (("play", 1.0),),
    "offline": (("wifi-slash", 1.0),),
    "online": (("wifi-high", 1.0),),
    "clock": (("clock", 1.0),),
    "history": (("clock-counter-clockwise", 1.0),),
    "palette": (("command", 1.0),),
    "keyboard": (("keyboard", 1.0),),
    "dark": (("moon", 1.0),),
    "light": (("sun", 1.0),),
    "sound": (("speaker-high", 1.0),),
    "muted": (("speaker-slash", 1.0),),
    "larger": (("text-aa", 1.0),),
    "smaller": (("text-aa", 0.75),),
    "zoom_in": (("magnifying-glass-plus", 1.0),),
    "zoom_out": (("magnifying-glass-minus", 1.0),),
    "now": (("crosshair", 1.0),),
    "music": (("music-notes", 1.0),),
    "call": (("megaphone", 1.0),),
    "server": (("globe", 1.0),),
    "download": (("cloud-arrow-down", 1.0),),
    "practice": (("graduation-cap", 1.0),),
    "override": (("warning-octagon", 1.0),),
    "list": (("list-bullets", 1.0),),
    "square": (("square", 1.0),),
    "check_square": (("check-square", 1.0),),
}


@lru_cache(maxsize=256)
def _glyph(name: str) -> str:
    return str(qtawesome.charmap(f"ph.{name}"))


@lru_cache(maxsize=64)
def _font(pixels: int) -> QFont:
    font: QFont = qtawesome.font("ph", pixels)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def draw_icon(painter: QPainter, rect: QRect | QRectF, name: str, color: QColor) -> None:
    """Draw the icon called `name` (a key of ICONS) centred in `rect`; KeyError for an unknown name."""
    box = QRectF(rect)
    painter.save()
    painter.setPen(color)
    for glyph, share in ICONS[name]:
        painter.setFont(_font(max(1, round(min(box.width(), box.height()) * share))))
        painter.drawText(box.adjusted(-8, -8, 8, 8), Qt.AlignmentFlag.AlignCenter, _glyph(glyph))
    painter.restore()


def make_icon(name: str, color: QColor, size: int = 64) -> QIcon:
    """Return a QIcon of one colour, for the window's own icon and for menus."""
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_icon(painter, QRect(0, 0, size, size), name, color)
    painter.end()
    return QIcon(pixmap)

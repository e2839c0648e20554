"""Drawing that several widgets share: crisp cards, soft shadows, halos, hatching, elided and highlighted text."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

from desktop.qt.theme import Theme
from desktop.qt.tokens import Scheme

CARD_RADIUS = 16
BUTTON_RADIUS = 10
HALO = 4

# Layers of the soft shadow: (spread in px, downward shift in px, alpha in the light scheme).
_SHADOW = (
    *((float(spread), 4.0, 0.005) for spread in (11, 9, 7, 5, 3, 1)),
    (1.0, 1.0, 0.016),
    (0.0, 1.0, 0.020),
)


def rounded(rect: QRect | QRectF, radius: float) -> QPainterPath:
    """Return the path of a rounded rectangle."""
    path = QPainterPath()
    path.addRoundedRect(QRectF(rect), radius, radius)
    return path


def draw_shadow(painter: QPainter, theme: Theme, rect: QRect | QRectF, radius: float = CARD_RADIUS) -> None:
    """Draw the soft shadow of a card that covers `rect`; it reaches 15 px outside."""
    strength = 1.0 if theme.scheme is Scheme.LIGHT else 3.0
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    for spread, shift, alpha in _SHADOW:
        painter.setBrush(theme.color("shadow", min(1.0, alpha * strength)))
        box = QRectF(rect).adjusted(-spread, -spread + shift, spread, spread + shift)
        painter.drawRoundedRect(box, radius + spread, radius + spread)
    painter.restore()


def draw_box(
    painter: QPainter,
    rect: QRect | QRectF,
    radius: float,
    fill: QColor | None,
    border: QColor | None = None,
    width: float = 1.0,
    dashed: bool = False,
) -> None:
    """Fill a rounded box and draw its border inside the edge, so that a 1 px line stays crisp."""
    painter.save()
    half = width / 2 if border is not None else 0.0
    if border is None:
        painter.setPen(Qt.PenStyle.NoPen)
    else:
        painter.setPen(QPen(border, width, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
    if fill is None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
    else:
        painter.setBrush(fill)
    inner = max(0.0, radius - half)
    painter.drawRoundedRect(QRectF(rect).adjusted(half, half, -half, -half), inner, inner)
    painter.restore()


def draw_halo(painter: QPainter, theme: Theme, rect: QRect | QRectF, radius: float) -> None:
    """Draw the soft ring of the focus, `HALO` px wide, outside `rect`."""
    painter.save()
    ring = rounded(QRectF(rect).adjusted(-HALO, -HALO, HALO, HALO), radius + HALO).subtracted(rounded(rect, radius))
    painter.fillPath(ring, theme.color("accent.subtle"))
    painter.restore()


def draw_ring(painter: QPainter, theme: Theme, rect: QRect | QRectF, radius: float) -> None:
    """Draw the solid ring of the keyboard focus, 2 px wide with a gap of 2 px, outside `rect`."""
    draw_box(painter, QRectF(rect).adjusted(-4, -4, 4, 4), radius + 4, None, theme.color("accent"), 2.0)


def draw_hatch(painter: QPainter, rect: QRect | QRectF, radius: float, color: QColor, step: float = 10.0) -> None:
    """Fill a rounded box with slanted stripes of `color`, half of `step` wide."""
    box = QRectF(rect)
    painter.save()
    painter.setClipPath(rounded(box, radius), Qt.ClipOperation.IntersectClip)
    painter.setPen(QPen(color, step / 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    at = box.left() - box.height()
    while at < box.right() + step:
        painter.drawLine(QPointF(at, box.bottom() + step), QPointF(at + box.height() + 2 * step, box.top() - step))
        at += step * 1.5
    painter.restore()


def draw_text(
    painter: QPainter,
    rect: QRect | QRectF,
    text: str,
    font: QFont,
    color: QColor,
    align: Qt.AlignmentFlag | None = None,
) -> None:
    """Draw one line of text, centred vertically on capitals and figures, elided at the right where it does not fit."""
    box = QRectF(rect)
    metrics = QFontMetricsF(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width() + 0.5)
    width = metrics.horizontalAdvance(shown)
    left = box.left()
    if align == Qt.AlignmentFlag.AlignRight:
        left = box.right() - width
    elif align == Qt.AlignmentFlag.AlignHCenter:
        left = box.left() + (box.width() - width) / 2
    painter.setFont(font)
    painter.setPen(color)
    painter.drawText(QPointF(left, baseline(box, metrics)), shown)


def baseline(box: QRectF, metrics: QFontMetricsF) -> float:
    """The y of a baseline that puts capital letters in the middle of `box`."""
    return float(round(box.top() + (box.height() + metrics.capHeight()) / 2))


def draw_matched(
    painter: QPainter,
    rect: QRect | QRectF,
    text: str,
    matches: Sequence[tuple[int, int]],
    font: QFont,
    color: QColor,
    matched: QColor,
) -> None:
    """Draw one line of text with the (start, length) runs of `matches` in another colour, elided where too long.

    The line is drawn as a whole and once more under a clip, so that scripts whose letters join keep their shapes.
    """
    box = QRectF(rect)
    metrics = QFontMetricsF(font)
    marked = QPainterPath()
    # Right to left, offsets from the left edge would mark the wrong letters: then nothing is marked.
    if not any("\u0590" <= letter <= "\u08ff" for letter in text):
        for start, length in matches:
            left = box.left() + metrics.horizontalAdvance(text[:start])
            right = box.left() + metrics.horizontalAdvance(text[: start + length])
            marked.addRect(QRectF(round(left), box.top(), round(right) - round(left), box.height()))
    rest = QPainterPath()
    rest.addRect(box)
    for clip, ink in ((rest.subtracted(marked), color), (marked, matched)):
        painter.save()
        painter.setClipPath(clip, Qt.ClipOperation.IntersectClip)
        draw_text(painter, box, text, font, ink)
        painter.restore()

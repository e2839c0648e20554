"""How the card of a slot is painted, and a store of painted cards, so that scrolling only copies pixels."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from desktop.qt.i18n import tr
from desktop.qt.icons import draw_icon
from desktop.qt.theme import Theme
from desktop.screens.board.records import BoardCard
from desktop.widgets.chip import draw_pending_dot
from desktop.widgets.painting import draw_box, draw_hatch, draw_text, rounded
from desktop.widgets.records import StatusKind, StatusWord
from desktop.widgets.status import LOOKS
from desktop.widgets.wrapping import wrap

RADIUS = 9
MARGIN = 3
_EDGE = 4
_TOP = 6
_LINE = 17
_MOST_KEPT = 900
_TALLEST_KEPT = 1000
_LONG = 90

_STRONG = frozenset({StatusKind.LATE, StatusKind.ON_STAGE})
_NO_EDGE = frozenset({StatusKind.FREE})


@dataclass(frozen=True, slots=True)
class _Inks:
    """Tokens of a card: ground (None: clear), name, status words, edge."""

    fill: str | None
    name: str
    status: str
    edge: str


def _inks(card: BoardCard) -> _Inks:
    """The colours of a card: those of its status, but a stage is tinted where a chip is solid."""
    look = LOOKS[card.kind]
    if card.kind is StatusKind.ON_STAGE:
        return _Inks("accent.subtle", "text.primary", "accent", "accent")
    if card.kind is StatusKind.DONE:
        return _Inks(look.fill, look.text, look.text, look.mark)
    if card.kind in (StatusKind.NO_SHOW, StatusKind.CANCELLED):
        return _Inks("surface.raised", "text.secondary", look.text, look.mark)
    if card.kind in (StatusKind.FREE, StatusKind.BLOCKED):
        return _Inks(None, "text.secondary", "text.secondary", "border")
    status = "text.secondary" if card.kind is StatusKind.EXPECTED else look.text
    return _Inks(look.fill or "surface.raised", "text.primary", status, look.mark)


class CardPainter:
    """Paints cards, each once for each size and theme; `forget` when the theme changes."""

    def __init__(self, theme: Theme) -> None:
        """Make a painter with nothing kept."""
        self.theme = theme
        self._kept: OrderedDict[tuple[object, ...], QPixmap] = OrderedDict()

    def forget(self) -> None:
        """Paint everything anew from now on."""
        self._kept.clear()

    def draw(self, painter: QPainter, box: QRectF, card: BoardCard, ratio: float, top: float) -> None:
        """Draw `card` over `box` (whole pixels) for a screen with `ratio` device pixels a pixel.

        What is above `top` is hidden: the words of a long card that begins there come down to where they are seen.
        """
        if box.height() > _TALLEST_KEPT or (box.top() < top and box.height() > self.theme.text_px(_LONG)):
            paint_card(painter, self.theme, box, card, top)
            return
        key = (card, box.width(), box.height(), ratio)
        pixmap = self._kept.get(key)
        if pixmap is None:
            pixmap = self._painted(box.width(), box.height(), card, ratio)
            self._kept[key] = pixmap
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        painter.drawPixmap(QPointF(box.x() - MARGIN, box.y() - MARGIN), pixmap)

    def _painted(self, width: float, height: float, card: BoardCard, ratio: float) -> QPixmap:
        pixmap = QPixmap(round((width + 2 * MARGIN) * ratio), round((height + 2 * MARGIN) * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_card(painter, self.theme, QRectF(MARGIN, MARGIN, width, height), card)
        painter.end()
        return pixmap


def paint_card(painter: QPainter, theme: Theme, box: QRectF, card: BoardCard, seen_from: float = -1e9) -> None:
    """Paint one card over `box`: ground, edge, name, status, how full, and who is in it where there is room.

    The words begin no higher than `seen_from`, as long as two lines fit below.
    """
    inks = _inks(card)
    _paint_ground(painter, theme, box, card, inks)
    box = QRectF(box)
    box.setTop(max(box.top(), min(seen_from, box.bottom() - 2 * theme.text_px(_LINE) - _TOP)))
    left = 10 if card.kind in _NO_EDGE else 13
    inner = box.adjusted(left, 0, -8, 0)
    line = theme.text_px(_LINE)
    if box.height() < 2 * line + 4:
        _paint_line(painter, theme, inner, card, inks)
        return
    below = line if card.status is not None or card.note else 0
    room = int((box.height() - _TOP - 2 - below) // line)
    font = theme.font(13, 600)
    most = 5 if card.title == card.event else 3
    names = wrap(card.title, font, inner.width(), max(1, min(most, room)))
    top = box.top() + _TOP - 1
    for name in names:
        _paint_name(painter, theme, QRectF(inner.left(), top, inner.width(), line), name, card, inks)
        top += line
    if below:
        _paint_status(painter, theme, QRectF(inner.left(), top, inner.width(), line), card, inks)
        top += line
    _paint_more(painter, theme, QRectF(inner.left(), top, inner.width(), box.bottom() - top - 3), card)


def _paint_ground(painter: QPainter, theme: Theme, box: QRectF, card: BoardCard, inks: _Inks) -> None:
    if card.kind is StatusKind.FREE:
        painter.save()
        painter.setPen(QPen(theme.color("border"), 1.0, Qt.PenStyle.CustomDashLine))
        pen = painter.pen()
        pen.setDashPattern([3.0, 3.0])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS - 0.5, RADIUS - 0.5)
        painter.restore()
        return
    on_stage = card.kind is StatusKind.ON_STAGE
    if on_stage:
        box = box.adjusted(-2, -2, 2, 2)
    radius = RADIUS + (2 if on_stage else 0)
    thin = 2.0 if on_stage else 1.0
    edge = _EDGE + (2 if on_stage else 0)
    if card.kind is StatusKind.BLOCKED:
        draw_hatch(painter, box, radius, theme.color("surface.sunken"), 12.0)
    elif inks.fill is not None:
        painter.fillPath(rounded(box, radius), theme.color(inks.fill))
    if card.kind is StatusKind.HELD:
        draw_hatch(painter, box, radius, theme.color("waiting.subtle"))
    ring = QPainterPath()
    ring.setFillRule(Qt.FillRule.OddEvenFill)
    ring.addPath(rounded(box, radius))
    ring.addPath(_inside(box, radius, edge, thin))
    painter.fillPath(ring, theme.color("accent" if on_stage else "border"))
    if not on_stage:
        # As a browser joins borders: along the line from the outer to the inner corner.
        slope = radius * thin / edge
        corner = QPolygonF(
            [
                box.topLeft(),
                QPointF(box.left() + radius, box.top() + slope),
                QPointF(box.left() + radius, box.bottom() - slope),
                box.bottomLeft(),
            ]
        )
        region = QPainterPath()
        region.addPolygon(corner)
        painter.fillPath(ring.intersected(region), theme.color(inks.edge))


def _inside(box: QRectF, radius: float, edge: float, thin: float) -> QPainterPath:
    """The inside of a card whose left border is `edge` wide and whose others are `thin`: elliptic at the left."""
    inner = box.adjusted(edge, thin, -thin, -thin)
    left, right, tall = radius - edge, radius - thin, radius - thin
    path = QPainterPath()
    path.moveTo(inner.left() + left, inner.top())
    path.lineTo(inner.right() - right, inner.top())
    path.arcTo(QRectF(inner.right() - 2 * right, inner.top(), 2 * right, 2 * tall), 90, -90)
    path.lineTo(inner.right(), inner.bottom() - tall)
    path.arcTo(QRectF(inner.right() - 2 * right, inner.bottom() - 2 * tall, 2 * right, 2 * tall), 0, -90)
    path.lineTo(inner.left() + left, inner.bottom())
    path.arcTo(QRectF(inner.left(), inner.bottom() - 2 * tall, 2 * left, 2 * tall), 270, -90)
    path.lineTo(inner.left(), inner.top() + tall)
    path.arcTo(QRectF(inner.left(), inner.top(), 2 * left, 2 * tall), 180, -90)
    path.closeSubpath()
    return path


def _paint_name(painter: QPainter, theme: Theme, box: QRectF, name: str, card: BoardCard, inks: _Inks) -> None:
    font, color = theme.font(13, 600), theme.color(inks.name)
    draw_text(painter, box, name, font, color)
    if card.kind in (StatusKind.NO_SHOW, StatusKind.CANCELLED):
        width = min(box.width(), QFontMetricsF(font).horizontalAdvance(name))
        painter.setPen(QPen(color, 1.3))
        middle = round(box.center().y()) + 0.5
        painter.drawLine(QPointF(box.left(), middle), QPointF(box.left() + width, middle))


def _paint_status(painter: QPainter, theme: Theme, box: QRectF, card: BoardCard, inks: _Inks) -> None:
    right = box.right()
    if card.note:
        font = theme.font(12, 500)
        width = QFontMetricsF(font).horizontalAdvance(card.note)
        quiet = theme.color("text.secondary")
        if card.status is None:
            draw_text(painter, box, card.note, font, quiet)
            return
        if width < box.width() * 0.45:
            draw_text(painter, box, card.note, font, quiet, Qt.AlignmentFlag.AlignRight)
            right -= width + 8
    if card.status is not None:
        part = QRectF(box.left(), box.top(), right - box.left(), box.height())
        paint_status_word(painter, theme, part, card.status, inks.status, card.kind in _STRONG)


def paint_status_word(
    painter: QPainter, theme: Theme, box: QRectF, status: StatusWord, token: str, strong: bool = False
) -> None:
    """Paint icon, words and hollow dot in one line at the left of `box`, coloured by `token`."""
    side = theme.text_px(15)
    color = theme.color(token)
    icon = QRectF(box.left() - 1, box.center().y() - side / 2, side, side)
    draw_icon(painter, icon, "no_show" if status.kind is StatusKind.NO_SHOW else LOOKS[status.kind].icon, color)
    font = theme.font(12, 600 if strong else 400)
    left = box.left() + theme.text_px(18)
    dot = theme.text_px(8) + 5 if status.pending else 0
    words = QRectF(left, box.top(), box.right() - left - dot, box.height())
    draw_text(painter, words, status.words, font, color)
    if status.pending:
        end = min(words.right(), left + QFontMetricsF(font).horizontalAdvance(status.words))
        painter.setPen(color)
        draw_pending_dot(painter, theme, QPointF(end + 5 + theme.text_px(8) / 2, box.center().y()))


def _paint_more(painter: QPainter, theme: Theme, box: QRectF, card: BoardCard) -> None:
    """Who else is in the slot, a line each, as far as there is room; or whose talk it is."""
    line = theme.text_px(_LINE)
    room = int(box.height() // line)
    if room < 1:
        return
    if not card.claims:
        if card.details and card.title == card.event:
            box.setHeight(line)
            draw_text(painter, box, card.details, theme.font(12), theme.color("text.secondary"))
        return
    shown = card.claims if len(card.claims) <= room else card.claims[: room - 1]
    for at, claim in enumerate(shown):
        part = QRectF(box.left(), box.top() + at * line, box.width(), line)
        look = LOOKS[claim.status.kind]
        token = {StatusKind.ON_STAGE: "accent", StatusKind.EXPECTED: "text.secondary"}.get(claim.status.kind, look.text)
        named = StatusWord(claim.status.kind, claim.name, claim.status.pending)
        paint_status_word(painter, theme, part, named, token, claim.status.kind in _STRONG)
    if len(shown) < len(card.claims):
        more = tr("and {count} more", count=len(card.claims) - len(shown))
        part = QRectF(box.left() + theme.text_px(18), box.top() + len(shown) * line, box.width(), line)
        draw_text(painter, part, more, theme.font(12), theme.color("text.secondary"))


def _paint_line(painter: QPainter, theme: Theme, inner: QRectF, card: BoardCard, inks: _Inks) -> None:
    """A card too low for two lines: icon and name, and the status at the right where both fit."""
    if inner.height() < theme.text_px(11):
        return
    font = theme.font(13 if inner.height() >= theme.text_px(16) else 11, 600)
    left = inner.left()
    color = theme.color(inks.status)
    if card.status is not None:
        side = min(theme.text_px(15), int(inner.height()))
        icon = QRectF(left - 1, inner.center().y() - side / 2, side, side)
        draw_icon(painter, icon, LOOKS[card.status.kind].icon, color)
        left += side + 3
    name = QFontMetricsF(font).horizontalAdvance(card.title)
    words = card.status.words if card.status is not None else card.note
    small = theme.font(12, 600 if card.kind in _STRONG else 400)
    width = QFontMetricsF(small).horizontalAdvance(words) if inner.height() >= theme.text_px(16) else 0.0
    right = inner.right()
    if width and left + name + 10 + width <= right:
        draw_text(painter, inner, words, small, color, Qt.AlignmentFlag.AlignRight)
        right -= width + 8
    box = QRectF(left, inner.top(), right - left, inner.height())
    shown = QFontMetricsF(font).elidedText(card.title, Qt.TextElideMode.ElideRight, box.width())
    draw_text(painter, box, shown, font, theme.color(inks.name))


def draw_focus(painter: QPainter, theme: Theme, box: QRectF) -> None:
    """Draw the ring of the keyboard's focus around the card at `box`, on a ground that parts it from the card."""
    draw_box(painter, box.adjusted(-3, -3, 3, 3), RADIUS + 3, None, theme.color("surface.raised"), 2.0)
    draw_box(painter, box.adjusted(-5, -5, 5, 5), RADIUS + 5, None, theme.color("accent"), 2.5)

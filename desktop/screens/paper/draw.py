"""Draws laid-out pages: on a printer, into a PDF, or as a picture for the preview. One point is `scale` dots."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import segno
from PySide6.QtCore import QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPagedPaintDevice,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QPen,
)

from desktop.qt.theme import Theme
from desktop.qt.tokens import Scheme, token_value
from desktop.screens.paper.layout import Code, Page, Rule, Text, Tick
from desktop.screens.paper.measure import INCH
from desktop.screens.paper.records import Size
from desktop.widgets.wrapping import wrap

_PDF_DOTS = 600
_FINE = 20
"""Text is measured at this many dots a point, so that lines break alike on the screen and on every printer."""

_MOST_LINES = 400
_TONES = {"ink": "text.primary", "quiet": "text.secondary"}
_PAGE_SIZES = {Size.A4: QPageSize.PageSizeId.A4, Size.LETTER: QPageSize.PageSizeId.Letter}


@lru_cache(maxsize=64)
def _font(pixels: int, bold: bool) -> QFont:
    return Theme.print_font(max(1, pixels), 650 if bold else 400)


@lru_cache(maxsize=64)
def _metrics(pixels: int, bold: bool) -> QFontMetricsF:
    return QFontMetricsF(_font(pixels, bold))


class FontMeasure:
    """Measures with the fonts that `draw_page` draws with."""

    @staticmethod
    def width(text: str, size: float, bold: bool) -> float:
        """The width of one line in points."""
        return _metrics(round(size * _FINE), bold).horizontalAdvance(text) / _FINE

    def lines(self, text: str, size: float, bold: bool, width: float) -> list[str]:
        """As `Measure` says."""
        pixels = round(size * _FINE)
        if _metrics(pixels, bold).horizontalAdvance(text) <= width * _FINE:
            return [text]
        return wrap(text, _font(pixels, bold), width * _FINE, _MOST_LINES)


def page_size(size: Size) -> QPageSize:
    """The sheet as Qt knows it."""
    return QPageSize(_PAGE_SIZES[size])


def save_pdf(pages: list[Page], size: Size, file: Path, title: str) -> None:
    """Write `pages` as a PDF; OSError when the file can't be written."""
    # Qt says nothing of a folder that is not there or may not be written to: ask the system first.
    with file.open("ab"):
        pass
    writer = QPdfWriter(str(file))
    writer.setTitle(title)
    writer.setCreator("Callboard")
    writer.setResolution(_PDF_DOTS)
    layout = QPageLayout(page_size(size), QPageLayout.Orientation.Portrait, QMarginsF(0, 0, 0, 0))
    writer.setPageLayout(layout)
    draw_document(writer, pages, _PDF_DOTS / INCH)


def draw_document(device: QPagedPaintDevice, pages: list[Page], scale: float) -> None:
    """Draw all pages on a printer or a PDF; OSError when it does not take them."""
    painter = QPainter()
    if not painter.begin(device):
        raise OSError("it does not accept pages")
    for at, page in enumerate(pages):
        if at and not device.newPage():
            painter.end()
            raise OSError("it stopped taking pages")
        draw_page(painter, page, scale)
    painter.end()


def page_picture(page: Page, width: float, height: float, pixels: int, ratio: float = 1.0) -> QImage:
    """A picture of one sheet of `width` × `height` points, `pixels` wide."""
    scale = pixels * ratio / width
    image = QImage(round(width * scale), round(height * scale), QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_page(painter, page, scale)
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def draw_page(painter: QPainter, page: Page, scale: float) -> None:
    """Draw one page from the painter's origin."""
    for item in page.items:
        if isinstance(item, Text):
            _draw_text(painter, item, scale)
        elif isinstance(item, Rule):
            box = QRectF(item.x * scale, item.y * scale, item.width * scale, max(0.6, item.weight * scale))
            painter.fillRect(box, _ink("text.secondary"))
        elif isinstance(item, Tick):
            _draw_tick(painter, item, scale)
        else:
            _draw_code(painter, item, scale)


def _draw_text(painter: QPainter, item: Text, scale: float) -> None:
    pixels = max(1, round(item.size * scale))
    metrics = _metrics(pixels, item.bold)
    x = item.x * scale
    if item.right:
        x -= metrics.horizontalAdvance(item.text)
    font = QFont(_font(pixels, item.bold), painter.device())
    font.setPixelSize(pixels)
    painter.setFont(font)
    painter.setPen(_ink(_TONES[item.tone]))
    painter.drawText(QPointF(x, item.y * scale + metrics.ascent()), item.text)


def _draw_tick(painter: QPainter, item: Tick, scale: float) -> None:
    side = item.side * scale
    left, top = item.x * scale, item.y * scale
    painter.setPen(QPen(_ink("text.primary"), 0.8 * scale))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(QRectF(left, top, side, side))
    if item.ticked:
        painter.setPen(QPen(_ink("text.primary"), 1.3 * scale))
        points = [QPointF(left + side * x, top + side * y) for x, y in ((0.2, 0.55), (0.42, 0.78), (0.82, 0.22))]
        painter.drawPolyline(points)


def _draw_code(painter: QPainter, item: Code, scale: float) -> None:
    """A QR code as a small picture, which keeps a PDF small and is sharp at any size."""
    side = item.side * scale
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(QRectF(item.x * scale, item.y * scale, side, side), _code_image(item.text))
    painter.restore()


@lru_cache(maxsize=4096)
def _code_image(text: str) -> QImage:
    matrix = [list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=2)]
    image = QImage(len(matrix), len(matrix), QImage.Format.Format_Mono)
    image.fill(1)
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            if dark:
                image.setPixel(x, y, 0)
    # Enlarged by whole cells: viewers smooth small pictures, and scanners want edges.
    return image.scaled(len(matrix) * 4, len(matrix) * 4)


def _ink(token: str) -> QColor:
    return QColor(token_value(token, Scheme.LIGHT))

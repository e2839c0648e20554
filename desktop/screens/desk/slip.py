"""A person's slip on paper: name, time, place and the code that every desk scans. To the printer, else to a PDF."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import segno
from PySide6.QtCore import QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPageLayout, QPageSize, QPainter, QPdfWriter
from PySide6.QtPrintSupport import QPrinter, QPrinterInfo

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.qt.tokens import Scheme, token_value
from desktop.widgets.records import Outcome, PersonCard, Tone

# A slip is a label of 62 x 90 mm, as label printers for badges take it; on a larger sheet it is at the top left.
_WIDTH_MM, _HEIGHT_MM = 62.0, 90.0
_MM = 25.4


class SlipPrinter:
    """Prints slips. Without a printer each is saved as a PDF in `folder` and shown by `open_file`, if given."""

    def __init__(self, folder: Path, open_file: Callable[[Path], None] | None = None) -> None:
        """Remember where PDFs go; the folder is made when the first is saved."""
        self._folder = folder
        self._open = open_file

    def print_card(self, card: PersonCard) -> Outcome:
        """Print one slip, and say in words where it went. A refusal says what to do."""
        if QPrinterInfo.defaultPrinterName():
            printer = QPrinter(QPrinter.PrinterMode.HighResolution)
            painter = QPainter()
            if not painter.begin(printer):
                words = tr("The printer does not answer. Switch it on, or print the lists with Ctrl+P.")
                return Outcome(False, words, Tone.WARN)
            draw_slip(painter, card, printer.resolution())
            painter.end()
            return Outcome(True, tr("Printed the slip of {name}", name=card.name), Tone.NOTE)
        file = self._folder / f"{_file_name(card)}.pdf"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_slip(card, file)
        except OSError as error:
            return Outcome(False, tr("The slip can't be saved: {error}.", error=error), Tone.WARN)
        if self._open is not None:
            self._open(file)
        return Outcome(True, tr("No printer here: saved as {file}", file=file), Tone.NOTE)


def save_slip(card: PersonCard, file: Path) -> None:
    """Write one slip as a PDF of one page; OSError when the file can't be written."""
    writer = QPdfWriter(str(file))
    writer.setTitle(card.name)
    writer.setResolution(300)
    writer.setPageLayout(
        QPageLayout(
            QPageSize(QSizeF(_WIDTH_MM, _HEIGHT_MM), QPageSize.Unit.Millimeter),
            QPageLayout.Orientation.Portrait,
            QMarginsF(0, 0, 0, 0),
        )
    )
    painter = QPainter()
    if not painter.begin(writer):
        raise OSError(f"{file} can't be written")
    draw_slip(painter, card, writer.resolution())
    painter.end()


def draw_slip(painter: QPainter, card: PersonCard, resolution: int) -> None:
    """Draw the slip of `card` at `resolution` dots an inch, from the painter's origin."""
    dot = resolution / _MM
    left, width = 4 * dot, (_WIDTH_MM - 8) * dot
    painter.setPen(QColor(token_value("text.primary", Scheme.LIGHT)))
    top = 4 * dot
    lines = [(card.name, 6.0, 700), (card.details, 3.0, 400)]
    if card.claim is not None:
        lines += [(card.claim.time, 9.0, 700), (card.claim.title, 3.6, 600), (card.claim.place, 3.6, 400)]
    for text, millimetres, weight in lines:
        top = _draw_paragraph(painter, QRectF(left, top, width, 30 * dot), text, millimetres * dot, weight)
        top += 1.2 * dot
    if card.code:
        _draw_code(painter, card.code, left, max(top, 56 * dot), 24 * dot)
        words = QRectF(left + 27 * dot, max(top, 56 * dot), width - 27 * dot, 24 * dot)
        _draw_paragraph(painter, words, card.code, 3.0 * dot, 600)


def _draw_paragraph(painter: QPainter, box: QRectF, text: str, pixels: float, weight: int) -> float:
    """Draw `text`, wrapped and set smaller where a word alone is too wide; return the y below it."""
    flags = int(Qt.TextFlag.TextWordWrap.value)
    font = Theme.print_font(round(pixels), weight)
    longest = max((QFontMetricsF(font).horizontalAdvance(word) for word in text.split()), default=0.0)
    if longest > box.width():
        font = Theme.print_font(max(1, int(pixels * box.width() / longest)), weight)
    painter.setFont(QFont(font, painter.device()))
    drawn = painter.boundingRect(box, flags, text)
    painter.drawText(box, flags, text)
    return float(drawn.bottom())


def _draw_code(painter: QPainter, code: str, left: float, top: float, side: float) -> None:
    """Draw the QR code of `code`, `side` dots wide, with the quiet zone that scanners need."""
    matrix = [list(row) for row in segno.make_qr(code, error="m").matrix_iter(border=2)]
    cell = side / len(matrix)
    ink = QColor(token_value("text.primary", Scheme.LIGHT))
    for row_at, row in enumerate(matrix):
        for column_at, dark in enumerate(row):
            if dark:
                # A hair wider than the cell: neighbours must not show a white line between them.
                box = QRectF(left + column_at * cell, top + row_at * cell, cell * 1.02, cell * 1.02)
                painter.fillRect(box, ink)


def _file_name(card: PersonCard) -> str:
    """Return a name that any file system takes: the code, else the person's id."""
    return re.sub(r"[^0-9A-Za-z-]", "", card.code) or str(card.person_id)

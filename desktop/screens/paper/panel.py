"""Ctrl+P: which list, which day, which sheet; a preview of each page; to the printer or into a PDF."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QLocale, QMarginsF, Qt
from PySide6.QtGui import QKeyEvent, QPageLayout
from PySide6.QtPrintSupport import QPrintDialog, QPrinter, QPrinterInfo
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from desktop.qt.dialogs import Overlay
from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.screens.paper.draw import FontMeasure, draw_document, page_size, save_pdf
from desktop.screens.paper.layout import Page, lay_out
from desktop.screens.paper.measure import INCH
from desktop.screens.paper.preview import PagePreview
from desktop.screens.paper.records import SHEETS, Kind, PaperDocument, Size
from desktop.screens.paper.viewmodel import PaperViewModel
from desktop.widgets.button import Button
from desktop.widgets.flow import FlowLayout
from desktop.widgets.pill import Pill, Stepper
from desktop.widgets.records import FixKind, Outcome, Tone
from desktop.widgets.surface import Card
from desktop.widgets.text import BODY, SMALL, SMALL_STRONG, TITLE, TextBlock

_KIND_LOOKS = {Kind.ROOMS: ("board", "Room lists by time"), Kind.PEOPLE: ("people", "Everybody by name")}
_PAGE_KEYS = {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1, Qt.Key.Key_End: 100_000, Qt.Key.Key_Home: -100_000}


class PaperPanel(Overlay[Outcome]):
    """`closed()` gives what was done in words, or None. The system's dialogs are opened, never run in a loop."""

    def __init__(self, theme: Theme, window: QWidget, model: PaperViewModel) -> None:
        """Open the panel over `window` with the list by rooms of the day that is on."""
        self.model = model
        self.kind = Kind.ROOMS
        self.day = model.today()
        self.sheet = _usual_size()
        self.codes = False
        self.pages: list[Page] = []
        self.document: PaperDocument | None = None
        self.kinds = {
            kind: Pill(theme, tr(words), icon, str(at), checkable=True)
            for at, (kind, (icon, words)) in enumerate(_KIND_LOOKS.items(), 1)
        }
        self.days = {
            key: Pill(theme, words, "calendar", checkable=True) for key, words in model.days() if len(model.days()) > 1
        }
        self.sheets = {size: Pill(theme, size.value, "list", checkable=True) for size in Size}
        self.with_codes = Pill(theme, tr("With codes to scan"), "scan", checkable=True)
        self.preview = PagePreview(theme)
        names = tr("Page before"), tr("Next page")
        self.steps = Stepper(theme, ("arrow_right", "arrow_right"), names, self.turn, mirror=True)
        self.facts = TextBlock(theme, SMALL, "text.secondary")
        self.said = TextBlock(theme, BODY, "late.text")
        self.print_button = Button(theme, tr("Print…"), FixKind.PRIMARY, "print", tr("Enter"))
        self.save_button = Button(theme, tr("Save as PDF…"), icon="download", key="S")
        self.close_button = Button(theme, tr("Close"), FixKind.QUIET, key=tr("Esc"))
        panel = self._build(theme, window)
        super().__init__(theme, window, panel, 980)
        self._connect()
        self.show_list()
        self.print_button.setFocus()

    def show_list(self) -> None:
        """Read and lay out the list that is chosen, and show its first page."""
        self.document = self.model.document(self.kind, self.day)
        width, height = SHEETS[self.sheet]
        self.pages = lay_out(self.document, width, height, FontMeasure(), self.codes)
        self.preview.show_pages(self.pages, width, height)
        self.facts.set_text(" · ".join(self.document.facts))
        for kind, pill in self.kinds.items():
            pill.setChecked(kind is self.kind)
        for day, pill in self.days.items():
            pill.setChecked(day == self.day)
        for sheet, pill in self.sheets.items():
            pill.setChecked(sheet is self.sheet)
        self.with_codes.setChecked(self.codes)
        self.said.hide()
        self._show_page()

    def turn(self, step: int) -> None:
        """Show another page."""
        self.preview.turn(step)
        self._show_page()

    def choose(
        self, kind: Kind | None = None, day: str | None = None, sheet: Size | None = None, codes: bool | None = None
    ) -> None:
        """Change what is chosen; the rest stays."""
        self.kind = self.kind if kind is None else kind
        self.day = self.day if day is None else day
        self.sheet = self.sheet if sheet is None else sheet
        self.codes = self.codes if codes is None else codes
        self.show_list()

    def print_pages(self) -> None:
        """Open the system's print dialog; without a printer say what to do instead."""
        if not QPrinterInfo.availablePrinterNames():
            self._say(tr("No printer is set up on this computer. Save a PDF, and print it anywhere."))
            return
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setDocName(self._title())
        printer.setPageLayout(
            QPageLayout(page_size(self.sheet), QPageLayout.Orientation.Portrait, QMarginsF(0, 0, 0, 0))
        )
        printer.setFullPage(True)
        dialog = QPrintDialog(printer, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._send(printer))
        QDialog.open(dialog)

    def choose_file(self) -> None:
        """Open the system's file dialog for a PDF."""
        dialog = QFileDialog(self, tr("Save as PDF"), f"{self._file_name()}.pdf", tr("PDF files (*.pdf)"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pdf")
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def save(self, file: Path) -> None:
        """Write the PDF; on success the panel closes, otherwise it says why not and stays."""
        try:
            save_pdf(self.pages, self.sheet, file, self._title())
        except OSError as error:
            self._say(tr("{file} can't be saved: {why}. Choose another folder.", file=file, why=_reason(error)))
            return
        words = tr("Saved {count} pages as {file}", count=len(self.pages), file=file)
        self.finish(Outcome(True, words, Tone.GOOD))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """PgUp, PgDn, Home and End turn pages; 1 and 2 choose the list; S saves; the rest as in every panel."""
        step = _PAGE_KEYS.get(Qt.Key(event.key()))
        letter = event.text().upper()
        if step is not None:
            self.turn(step)
        elif letter in ("1", "2"):
            self.choose(kind=list(Kind)[int(letter) - 1])
        elif letter == "S":
            self.choose_file()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self.print_pages()
        else:
            super().keyPressEvent(event)

    # ---- within

    def _build(self, theme: Theme, window: QWidget) -> QWidget:
        panel = Card(theme)
        panel.setAccessibleName(tr("Print lists"))
        options = QVBoxLayout()
        options.setSpacing(10)
        options.addWidget(TextBlock(theme, TITLE, text=tr("Print lists")))
        groups: tuple[tuple[str, list[QWidget]], ...] = (
            ("", list(self.kinds.values())),
            (tr("Day"), list(self.days.values())),
            (tr("Paper"), [*self.sheets.values(), self.with_codes]),
        )
        for title, pills in groups:
            if not pills:
                continue
            if title:
                options.addWidget(TextBlock(theme, SMALL_STRONG, "text.secondary", title, elide=True))
            holder = QWidget()
            flow = FlowLayout(holder, spacing=8, line_spacing=8)
            for pill in pills:
                flow.addWidget(pill)
            options.addWidget(holder)
        options.addSpacing(6)
        options.addWidget(self.facts)
        options.addStretch(1)
        options.addWidget(self.said)
        buttons = QWidget()
        flow = FlowLayout(buttons)
        for button in (self.print_button, self.save_button, self.close_button):
            flow.addWidget(button)
        options.addWidget(buttons)
        paper = QVBoxLayout()
        paper.setSpacing(10)
        paper.addWidget(self.preview, 1)
        paper.addWidget(self.steps, 0, Qt.AlignmentFlag.AlignHCenter)
        row = QHBoxLayout(panel)
        row.setContentsMargins(24, 24, 28, 24)
        row.setSpacing(28)
        row.addLayout(paper, 5)
        row.addLayout(options, 5)
        panel.setMinimumHeight(min(680, window.height() - 56))
        self.said.hide()
        return panel

    def _connect(self) -> None:
        for kind, pill in self.kinds.items():
            pill.clicked.connect(lambda _on=False, chosen=kind: self.choose(kind=chosen))
        for day, pill in self.days.items():
            pill.clicked.connect(lambda _on=False, chosen=day: self.choose(day=chosen))
        for sheet, pill in self.sheets.items():
            pill.clicked.connect(lambda _on=False, chosen=sheet: self.choose(sheet=chosen))
        self.with_codes.clicked.connect(lambda: self.choose(codes=not self.codes))
        self.print_button.clicked.connect(self.print_pages)
        self.save_button.clicked.connect(self.choose_file)
        self.close_button.clicked.connect(lambda: self.finish(None))

    def _show_page(self) -> None:
        at, count = self.preview.at, len(self.pages)
        self.steps.show_words(tr("Page {at} of {count}", at=at + 1, count=count), at > 0, at + 1 < count)

    def _send(self, printer: QPrinter) -> None:
        try:
            draw_document(printer, self.pages, printer.resolution() / INCH)
        except OSError as error:
            self._say(tr("The printer does not answer: {why}. Save a PDF instead.", why=_reason(error)))
            return
        words = tr("{count} pages sent to {printer}", count=len(self.pages), printer=printer.printerName())
        self.finish(Outcome(True, words, Tone.GOOD))

    def _say(self, words: str) -> None:
        self.said.set_text(words)
        self.said.show()

    def _title(self) -> str:
        return f"{self.document.programme}: {self.document.title}" if self.document is not None else ""

    def _file_name(self) -> str:
        """A name that every file system takes."""
        words = tr("rooms") if self.kind is Kind.ROOMS else tr("people")
        return re.sub(r"[^\w-]+", "-", f"callboard-{words}-{self.day}")


def _usual_size() -> Size:
    """Letter where people measure in inches, A4 elsewhere."""
    metric = QLocale.system().measurementSystem() == QLocale.MeasurementSystem.MetricSystem
    return Size.A4 if metric else Size.LETTER


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


async def open_paper(theme: Theme, window: QWidget, model: PaperViewModel, say: Callable[[Outcome], None]) -> None:
    """Open the panel and wait until it closes; `say` hears what was done."""
    outcome = await PaperPanel(theme, window, model).closed()
    if outcome is not None:
        say(outcome)

"""Ctrl+P by keys: choose, turn pages, save a real PDF, and be told what to do where there is no printer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtPrintSupport import QPrinterInfo
from PySide6.QtWidgets import QApplication, QFileDialog

from desktop.qt.theme import Theme
from desktop.screens.paper.draw import FontMeasure, save_pdf
from desktop.screens.paper.layout import lay_out
from desktop.screens.paper.panel import PaperPanel, open_paper
from desktop.screens.paper.records import SHEETS, Kind, Size
from desktop.screens.paper.viewmodel import PaperViewModel
from desktop.widgets.records import Outcome
from desktop.widgets.surface import Surface
from tests.gui.board_pictures import busy_day, large_day
from tests.gui.conftest import press, show, type_text

NAMES = (
    "Kamakawiwoʻole-Featherstonehaugh, Anastasia Wilhelmina",
    "王子涵與她的非常非常長的名字",
    "עידן בן־דוד הלוי",
    "สมชาย ใจดีวงศ์สวัสดิ์",
    "김지우",
    "अनुष्का श्रीनिवासन",
)


@dataclass
class Printing:
    """A panel that waits."""

    window: Surface
    task: asyncio.Task[None]
    said: list[Outcome] = field(default_factory=list)

    @property
    def panel(self) -> PaperPanel:
        """The panel over the window."""
        (found,) = self.window.findChildren(PaperPanel)
        return found


@pytest.fixture
async def printing(theme: Theme, qapp: QApplication) -> AsyncIterator[Printing]:
    """The panel over the day of the design's picture."""
    window = Surface(theme)
    window.resize(1366, 768)
    show(window)
    said: list[Outcome] = []
    work = open_paper(theme, window, PaperViewModel(busy_day()), said.append)
    task = asyncio.get_running_loop().create_task(work)
    await asyncio.sleep(0)
    qapp.processEvents()
    yield Printing(window, task, said)
    task.cancel()
    await asyncio.wait([task])
    window.close()
    window.deleteLater()


async def test_keys_choose_the_list_and_turn_the_pages(printing: Printing) -> None:
    panel = printing.panel
    assert panel.kinds[Kind.ROOMS].isChecked()
    rooms = len(panel.pages)
    press(Qt.Key.Key_PageDown)
    assert panel.preview.at == 1
    assert panel.preview.accessibleName() == f"Page 2 of {rooms}"
    press(Qt.Key.Key_End)
    press(Qt.Key.Key_PageDown)
    assert panel.preview.at == rooms - 1
    type_text("2")
    assert panel.kind is Kind.PEOPLE
    assert panel.kinds[Kind.PEOPLE].isChecked()
    assert panel.preview.at == 0
    people = len(panel.pages)
    panel.with_codes.click()
    assert len(panel.pages) > people
    press(Qt.Key.Key_Escape)
    await printing.task
    assert printing.said == []


async def test_s_saves_a_pdf(printing: Printing, tmp_path: Path, qapp: QApplication) -> None:
    file = tmp_path / "callboard-rooms-2026-03-14.pdf"
    type_text("S")
    dialog = printing.panel.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    dialog.setDirectory(str(tmp_path))
    dialog.accept()
    qapp.processEvents()
    await printing.task
    assert file.read_bytes().startswith(b"%PDF-")
    assert len(printing.said) == 1
    assert str(file) in printing.said[0].words


async def test_a_folder_that_takes_no_file_is_said_and_nothing_is_lost(printing: Printing, tmp_path: Path) -> None:
    panel = printing.panel
    panel.save(tmp_path / "no such folder" / "lists.pdf")
    assert panel.open
    assert panel.said.isVisible()
    assert "No such file or directory" in panel.said.text
    assert "Choose another folder" in panel.said.text


@pytest.mark.skipif(bool(QPrinterInfo.availablePrinterNames()), reason="this machine has a printer")
async def test_without_a_printer_it_says_what_to_do(printing: Printing) -> None:
    press(Qt.Key.Key_Return)
    assert printing.panel.open
    assert "Save a PDF" in printing.panel.said.text


@pytest.mark.parametrize("size", list(Size))
@pytest.mark.parametrize("codes", [False, True])
def test_a_pdf_has_a_sheet_for_each_page(theme: Theme, tmp_path: Path, size: Size, codes: bool) -> None:
    model = PaperViewModel(busy_day())
    pages = lay_out(model.document(Kind.ROOMS, model.today()), *SHEETS[size], FontMeasure(), codes)
    file = tmp_path / "lists.pdf"
    save_pdf(pages, size, file, "Lists")
    content = file.read_bytes()
    assert content.count(b"/Type /Page\n") == len(pages)
    width, height = SHEETS[size]
    box = content.split(b"/MediaBox [")[1].split(b"]")[0].split()
    assert [float(part) for part in box[2:]] == pytest.approx([width, height], abs=1)


@pytest.mark.parametrize("width", [40.0, 60.0, 140.0])  # not narrower than one letter without its font
@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_is_broken_into_lines_that_fit_without_losing_a_letter(
    theme: Theme, name: str, width: float
) -> None:
    lines = FontMeasure().lines(name, 9.5, True, width)
    assert "".join("".join(lines).split()) == "".join(name.split())
    widest = max(FontMeasure.width(line, 9.5, True) for line in lines)
    assert widest <= width + 0.5 or max(len(line) for line in lines) == 1


def test_many_rooms_are_laid_out_quickly(theme: Theme) -> None:
    model = PaperViewModel(large_day(40))
    begin = time.perf_counter()
    pages = lay_out(model.document(Kind.ROOMS, model.today()), *SHEETS[Size.A4], FontMeasure())
    assert time.perf_counter() - begin < 3
    assert len(pages) > 40

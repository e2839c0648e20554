"""The printed slip: what it says can be read back from the paper."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from desktop.qt.theme import load_fonts
from desktop.screens.desk.slip import SlipPrinter, draw_slip
from desktop.widgets.records import PersonCard
from tests.gui.sample_day import SampleDesk, names_of_the_world, sample_id


def card_of(name: str, port: SampleDesk) -> PersonCard:
    """The card of somebody of the sample day."""
    card = port.card(sample_id(name))
    assert card is not None
    return card


def draw(card: PersonCard) -> QImage:
    """Draw a slip as a printer of 300 dots an inch would."""
    image = QImage(732, 1063, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    draw_slip(painter, card, 300)
    painter.end()
    return image


def ink(image: QImage, left: int, top: int, right: int, bottom: int) -> int:
    """Count the dark dots, every third, within a box."""
    return sum(image.pixelColor(x, y).lightnessF() < 0.5 for x in range(left, right, 3) for y in range(top, bottom, 3))


def test_without_a_printer_the_slip_is_a_pdf(qapp: QApplication, tmp_path: Path) -> None:
    load_fonts()
    opened: list[Path] = []
    outcome = SlipPrinter(tmp_path / "slips", opened.append).print_card(card_of("María López-Ruiz", SampleDesk()))
    file = tmp_path / "slips" / "CBRSV-7K3M9.pdf"
    assert outcome.ok
    assert str(file) in outcome.words
    assert opened == [file]
    assert file.read_bytes().startswith(b"%PDF")


def test_a_folder_that_cannot_be_written_is_explained(qapp: QApplication, tmp_path: Path) -> None:
    load_fonts()
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    outcome = SlipPrinter(blocked / "slips").print_card(card_of("Omar Love", SampleDesk()))
    assert not outcome.ok
    assert "can't be saved" in outcome.words


def test_the_slip_has_text_above_and_the_code_below(qapp: QApplication) -> None:
    load_fonts()
    image = draw(card_of("María López-Ruiz", SampleDesk()))
    assert ink(image, 40, 40, 700, 600) > 500
    assert ink(image, 47, 661, 331, 945) > 2000
    assert ink(image, 0, 0, 40, 1063) == 0


def test_a_very_long_name_stays_on_the_paper(qapp: QApplication) -> None:
    load_fonts()
    people = names_of_the_world()
    image = draw(card_of(people[0].name, SampleDesk(people=people)))
    assert ink(image, 700, 0, 732, 1063) == 0

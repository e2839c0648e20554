"""The list of slots, driven by keys: narrow, choose, take, be told why not, leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton

from desktop.qt.theme import Theme
from desktop.screens.slots.panel import SlotPanel, pick_slot
from desktop.screens.slots.viewmodel import SlotsViewModel
from desktop.widgets.records import SlotLine, Tone
from desktop.widgets.surface import Surface
from tests.gui.conftest import press, show, type_text
from tests.gui.sample_day import SampleDesk, sample_id


class LiveDesk(SampleDesk):
    """The sample desk with slots that a test can fill up."""

    full: bool = False

    def free_slots(self, person_id: object, reservation_id: object) -> list[SlotLine]:
        """As the sample desk, the first one full on demand."""
        first, *rest = super().free_slots(None, None)
        if self.full:
            first = replace(first, note="full", tone=Tone.BAD, enabled=False)
        return [first, *rest]


@dataclass
class Asked:
    """A panel that waits for an answer."""

    port: LiveDesk
    window: Surface
    before: QPushButton
    answer: asyncio.Task[SlotLine | None]

    @property
    def panel(self) -> SlotPanel:
        """The panel over the window."""
        found = self.window.findChildren(SlotPanel)
        assert len(found) == 1
        return found[0]

    @property
    def selected(self) -> str:
        """The time of the selected slot."""
        line = self.panel.list.rows()[self.panel.list.currentIndex().row()]
        assert isinstance(line, SlotLine)
        return line.time


@pytest.fixture
async def asked(theme: Theme, qapp: QApplication) -> AsyncIterator[Asked]:
    """A window whose button had the focus before the question was asked."""
    window = Surface(theme)
    window.resize(1000, 700)
    before = QPushButton("before", window)
    show(window)
    before.setFocus()
    port = LiveDesk()
    model = SlotsViewModel(port, sample_id("Omar Love"))
    answer = asyncio.get_running_loop().create_task(pick_slot(theme, window, "Move Omar Love to…", model))
    await asyncio.sleep(0)
    qapp.processEvents()
    yield Asked(port, window, before, answer)
    answer.cancel()
    await asyncio.wait([answer])
    window.close()
    window.deleteLater()


async def test_enter_takes_the_nearest_open_slot_and_the_focus_goes_back(asked: Asked) -> None:
    assert asked.selected == "10:30"
    press(Qt.Key.Key_Return)
    line = await asked.answer
    assert line is not None
    assert line.slot_id == sample_id("D1030")
    assert asked.before.hasFocus()


async def test_arrows_choose_and_a_full_slot_says_why_it_is_not_taken(asked: Asked) -> None:
    press(Qt.Key.Key_Down)
    assert asked.selected == "10:40"
    press(Qt.Key.Key_Return)
    await asyncio.sleep(0)
    assert not asked.answer.done()
    assert asked.panel.said.isVisible()
    assert asked.panel.said.text == "10:40 in Room B — Library can't be taken: full."
    press(Qt.Key.Key_Down)
    press(Qt.Key.Key_Return)
    line = await asked.answer
    assert line is not None
    assert line.time == "11:40"


async def test_letters_narrow_to_what_can_be_taken_first(asked: Asked) -> None:
    type_text("piano")
    assert [getattr(row, "time", "") for row in asked.panel.list.rows()] == ["10:40", "11:40"]
    assert asked.selected == "11:40"
    type_text("zzz")
    assert asked.panel.list.rows() == ()
    press(Qt.Key.Key_Return)
    await asyncio.sleep(0)
    assert not asked.answer.done()


async def test_esc_takes_none(asked: Asked) -> None:
    press(Qt.Key.Key_Escape)
    assert await asked.answer is None
    assert asked.before.hasFocus()


async def test_a_slot_that_fills_up_meanwhile_is_not_taken(asked: Asked) -> None:
    asked.port.full = True
    await asked.port.check_in(sample_id("claim of Omar Love"))
    press(Qt.Key.Key_Return)
    await asyncio.sleep(0)
    assert not asked.answer.done()
    assert "full" in asked.panel.said.text

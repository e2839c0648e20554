"""The first run by keyboard alone."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from desktop.screens.enrol.page import PAUSE_MS
from desktop.widgets.records import EnrolStep
from tests.gui.conftest import FirstRun, focused, press, type_text

CTRL = Qt.KeyboardModifier.ControlModifier


async def pause() -> None:
    """Wait, with Qt's timers running, until the code is tried by itself."""
    for _ in range(PAUSE_MS // 10 + 5):
        await asyncio.sleep(0.01)
        QApplication.processEvents()


def step(first_run: FirstRun) -> EnrolStep:
    """Where the first run stands."""
    return first_run.page.model.state.step


async def test_a_typed_code_is_tried_when_it_is_whole(first_run: FirstRun) -> None:
    assert focused() is first_run.page.boxes
    type_text("7k3-m9q")
    assert first_run.page.boxes.text == "7K3M9Q"
    assert first_run.port.log == []
    type_text("ab")
    await pause()
    assert first_run.port.log == [("7K3M9QAB", "")]
    assert step(first_run) is EnrolStep.SYNCING
    assert first_run.page.bar.accessibleName() == "28 % done"
    first_run.port.go_on.set()
    await first_run.settle()
    assert step(first_run) is EnrolStep.DONE


async def test_a_wrong_code_is_explained_and_can_be_corrected(first_run: FirstRun) -> None:
    type_text("7K3M9QAX")
    await pause()
    await first_run.settle()
    assert first_run.page.message.accessibleName().startswith("This code is not known. It works once")
    assert first_run.page.message.isVisible()
    assert focused() is first_run.page.boxes
    first_run.port.go_on.set()
    press(Qt.Key.Key_Backspace)
    assert not first_run.page.message.isVisible()
    type_text("B")
    await pause()
    await first_run.settle()
    assert step(first_run) is EnrolStep.DONE


async def test_an_unfinished_code_says_how_much_is_missing(first_run: FirstRun) -> None:
    type_text("7K3")
    press(Qt.Key.Key_Return)
    await first_run.settle()
    assert first_run.page.message.accessibleName() == "5 characters are missing."
    assert first_run.port.log == []


async def test_paste_fills_the_boxes(first_run: FirstRun) -> None:
    first_run.port.go_on.set()
    QApplication.clipboard().setText(" 7K3-M9Q-AB\n")
    press(Qt.Key.Key_V, CTRL)
    await pause()
    await first_run.settle()
    assert first_run.port.log == [("7K3M9QAB", "")]


async def test_a_scanned_qr_code_carries_everything(first_run: FirstRun) -> None:
    first_run.port.go_on.set()
    # A scanner types faster than anything can answer: all keys and Enter before the loop turns once.
    type_text("https://desk.example/enrol?code=7K3M9QAB")
    press(Qt.Key.Key_Return)
    await first_run.settle()
    await pause()
    assert first_run.port.log == [("https://desk.example/enrol?code=7K3M9QAB", "")]
    assert step(first_run) is EnrolStep.DONE


async def test_the_server_address_by_keys(first_run: FirstRun) -> None:
    first_run.port.go_on.set()
    press(Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    for _ in range(6):
        if focused() is first_run.page.server_link:
            break
        press(Qt.Key.Key_Tab)
    assert focused() is first_run.page.server_link
    press(Qt.Key.Key_Return)
    assert focused() is first_run.page.server.edit
    type_text("http://127.0.0.1:8000")
    first_run.page.boxes.setFocus()
    type_text("7K3M9QAB")
    assert first_run.port.log == []
    press(Qt.Key.Key_Return)
    await first_run.settle()
    assert first_run.port.log == [("7K3M9QAB", "http://127.0.0.1:8000")]


async def test_the_practice_day_by_keys(first_run: FirstRun) -> None:
    for _ in range(6):
        if focused() is first_run.page.practice:
            break
        press(Qt.Key.Key_Tab)
    assert focused() is first_run.page.practice
    press(Qt.Key.Key_Return)
    await first_run.settle()
    assert first_run.port.log == [("practice", "")]

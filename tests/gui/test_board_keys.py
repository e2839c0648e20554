"""The Board driven by keys, what its cards tell a screen reader, and how long it takes to paint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Appearance, Theme
from desktop.screens.board.page import BoardPage
from desktop.screens.board.records import Filter
from desktop.screens.board.viewmodel import BoardViewModel
from desktop.shell.window import Window
from desktop.widgets.pick_panel import PickPanel
from tests.gui.board_day import SampleBoard
from tests.gui.board_pictures import busy_day, large_day
from tests.gui.pictures import make_window
from tests.gui.sample_day import sample_strip


@dataclass
class Shown:
    """The Board in a window."""

    port: SampleBoard
    model: BoardViewModel
    page: BoardPage
    window: Window
    tasks: TaskOwner
    opened: list[str] = field(default_factory=list)

    def press(self, *keys: Qt.Key) -> None:
        """Type keys into whatever has the focus."""
        for key in keys:
            widget = QApplication.focusWidget()
            assert widget is not None, "nothing has the focus"
            QTest.keyClick(widget, key)

    def type(self, words: str) -> None:
        """Type words into whatever has the focus, letter by letter."""
        for letter in words:
            widget = QApplication.focusWidget()
            assert widget is not None
            QTest.keyClicks(widget, letter)

    @property
    def title(self) -> str:
        """The card that has the focus."""
        card = self.page.view.focused_card()
        return card.title if card is not None else ""


async def show(qapp: QApplication, port: SampleBoard) -> Shown:
    """Show the Board over `port`."""
    model, tasks = BoardViewModel(port), TaskOwner("board")
    opened: list[str] = []
    page = BoardPage(Theme(Appearance.LIGHT), model, tasks, opened.append)
    window = make_window(page.theme, {"board": page}, "board", sample_strip())
    window.resize(1366, 768)
    window.show()
    window.activateWindow()
    qapp.processEvents()
    return Shown(port, model, page, window, tasks, opened)


async def leave(shown: Shown) -> None:
    """Close what `show` opened."""
    await shown.tasks.close()
    await shown.window.tasks.close()
    shown.model.close()
    shown.window.close()
    shown.window.deleteLater()


@pytest.fixture
async def board(qapp: QApplication) -> AsyncIterator[Shown]:
    """The day of the design's picture."""
    shown = await show(qapp, busy_day())
    yield shown
    await leave(shown)


async def test_arrows_move_a_focus_that_is_seen_and_spoken(board: Shown) -> None:
    view = board.page.view
    assert view.hasFocus()
    assert board.title == "Sofía Márquez"  # whoever is nearest to now
    board.press(Qt.Key.Key_Down)
    assert board.title == "Kwame Boateng"
    assert view.accessibleDescription() == (
        "Room A, 09:45–10:00, Kwame Boateng, Here, Piano solo, Grade 7 · Lincoln Middle School"
    )
    board.press(Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left)
    assert board.title == "Ruth Katz"
    board.press(Qt.Key.Key_Home)
    assert board.title == "Ben Adeyemi"
    board.press(Qt.Key.Key_End)
    assert board.title == "Lena Vogel"
    for _ in range(8):
        board.press(Qt.Key.Key_Right)
    assert view.horizontalScrollBar().value() == view.horizontalScrollBar().maximum()
    box = view.layout_.by_slot[view.focused_card().slot_id].box  # type: ignore[union-attr]  # it has just moved
    assert view.horizontalScrollBar().value() <= box.x
    assert view.verticalScrollBar().value() <= box.y
    shown = round(box.right) + view.layout_.axis - view.horizontalScrollBar().value()
    assert shown <= view.viewport().width() - 12  # the bar at the right lies beside the cards of the last room


async def test_enter_and_a_click_open_the_card_as_on_the_desk(board: Shown) -> None:
    card = board.page.view.focused_card()
    assert card is not None
    board.press(Qt.Key.Key_Return)
    assert board.opened == [card.claim_id]
    view = board.page.view
    box = view.layout_.by_slot[card.slot_id].box
    at = QPoint(round(box.x) + view.layout_.axis + 20, round(box.y) + view.layout_.header + 20)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at - QPoint(0, view.verticalScrollBar().value()))
    assert board.opened == [card.claim_id, card.claim_id]


async def test_enter_asks_who_where_several_share_a_slot(qapp: QApplication) -> None:
    port = SampleBoard(now="09:50")
    slot = port.slot(port.room("Library"), port.event("Spelling bee"), "10:00", 30, capacity=4)
    claims = {name: port.claim(slot, port.person(name)) for name in ("Zoë", "Ada", "Ben")}
    shown = await show(qapp, port)
    shown.press(Qt.Key.Key_Return)
    await _settle(qapp)
    assert shown.window.findChildren(PickPanel)
    shown.type("be")
    shown.press(Qt.Key.Key_Return)
    await shown.tasks.settle()
    assert shown.opened == [claims["Ben"].id]
    assert shown.page.view.hasFocus()
    await leave(shown)


async def test_plus_minus_and_zero(board: Shown) -> None:
    view = board.page.view
    seen = view.verticalScrollBar().value()
    board.type("+")
    assert view.zoom == 10
    assert view.layout_.per_minute == pytest.approx(4.8)
    board.type("---------")
    assert view.zoom == 60
    assert not board.page.zoom.down.isEnabled()
    board.type("=======")
    assert view.zoom == 5
    board.type("--")
    assert view.zoom == 15
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    board.type("0")
    assert view.verticalScrollBar().value() == seen


async def test_zoom_keeps_the_focused_card_in_its_place(board: Shown) -> None:
    view = board.page.view
    board.press(Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down)
    card = view.focused_card()
    assert card is not None

    def on_screen() -> float:
        return view.layout_.by_slot[card.slot_id].box.y - view.verticalScrollBar().value()

    before = on_screen()
    board.type("+")
    assert on_screen() == pytest.approx(before, abs=3)


async def test_a_letter_searches_and_esc_shows_everyone_again(board: Shown) -> None:
    board.type("kat")
    assert board.page.field.edit.text() == "kat"
    assert board.model.state.stress.text == "kat"
    board.press(Qt.Key.Key_Return)
    assert board.page.view.hasFocus()
    assert board.title == "Ruth Katz"
    board.press(Qt.Key.Key_Down)
    assert board.title == "Ruth Katz"  # the only one
    board.press(Qt.Key.Key_Escape)
    assert board.model.state.stressed is None
    assert board.page.field.edit.text() == ""


async def test_pills_filter_and_the_keys_stay_with_the_board(board: Shown) -> None:
    QTest.mouseClick(board.page.late, Qt.MouseButton.LeftButton)
    assert board.model.state.stress.filter is Filter.LATE
    assert board.page.late.isChecked()
    assert not board.page.everyone.isChecked()
    QTest.mouseClick(board.page.late, Qt.MouseButton.LeftButton)
    assert board.page.late.isChecked()  # a filter can't be off by itself
    assert board.page.view.hasFocus()


async def test_events_are_chosen_from_a_list(board: Shown, qapp: QApplication) -> None:
    board.page.choose_event()
    await _settle(qapp)
    board.type("viol")
    board.press(Qt.Key.Key_Return)
    await board.tasks.settle()
    assert board.page.events.words == "Violin solo"
    assert len(board.model.state.stressed or ()) == 11


async def test_page_keys_scroll_and_take_the_focus_along(qapp: QApplication) -> None:
    shown = await show(qapp, large_day(8))
    view = shown.page.view
    before = view.verticalScrollBar().value()
    shown.press(Qt.Key.Key_PageDown)
    assert view.verticalScrollBar().value() > before + 300
    card = view.focused_card()
    assert card is not None
    top = view.verticalScrollBar().value()
    assert top <= view.layout_.by_slot[card.slot_id].box.y < top + view.viewport().height()
    shown.press(Qt.Key.Key_PageUp)
    assert view.verticalScrollBar().value() == pytest.approx(before, abs=60)
    await leave(shown)


async def test_the_keys_come_to_the_board_when_the_day_arrives(qapp: QApplication) -> None:
    port = SampleBoard()
    shown = await show(qapp, port)
    assert shown.page.empty.isVisible()
    assert not shown.page.view.isVisible()
    slot = port.slot(port.room("Room"), port.event("Solo"), "10:00", 30)
    port.tell(slot, port.claim(slot, port.person("Ada Lind")))
    qapp.processEvents()
    assert shown.page.view.isVisible()
    shown.page.setFocus()
    assert shown.page.view.hasFocus()
    assert shown.title == "Ada Lind"
    await leave(shown)


async def test_sixty_rooms_scroll_at_sixty_frames(qapp: QApplication) -> None:
    """On a laptop: a slower computer has longer. Of three rounds the best counts, and this thread's own time.

    Of its frames it is the better half.
    """
    shown = await show(qapp, large_day(60, hours=12))
    view = shown.page.view
    assert sum(len(room.cards) for room in shown.model.state.rooms) > 2000
    for bar in (view.verticalScrollBar(), view.horizontalScrollBar()):
        rounds = []
        for start in (0, 1, 2):
            times = []
            for step in range(40):
                bar.setValue(start * 960 + step * 24)
                begin = time.thread_time()
                view.viewport().repaint()
                times.append(time.thread_time() - begin)
            rounds.append(sorted(times)[20])
        assert min(rounds) < _slowness() / 60
    begin = time.perf_counter()
    shown.model.tick()
    assert time.perf_counter() - begin < 0.2
    await leave(shown)


def _slowness() -> float:
    """How many times longer than a laptop of 2020, which needs 5 ms, this thread takes to add up; from 1 to 4."""
    took = []
    for _ in range(5):
        begin, total = time.thread_time(), 0
        for number in range(100_000):
            total += number
        took.append(time.thread_time() - begin)
    return min(max(1.0, min(took) / 0.005), 4.0)


async def _settle(qapp: QApplication) -> None:
    """Let what was asked for appear."""
    for _ in range(3):
        await asyncio.sleep(0)
        qapp.processEvents()

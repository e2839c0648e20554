"""The window: pages, palette, cheat sheet, notices, tasks."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import Qt

from desktop.qt.actions import Action, Actions, key_words
from desktop.qt.dialogs import Overlay
from desktop.qt.notices import NoticeKind, Notices
from desktop.qt.sounds import SoundPlayer
from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Theme
from desktop.qt.tokens import Scheme
from desktop.shell.window import Window
from desktop.widgets.question import Question
from desktop.widgets.records import Connection, ConnectionState, Fix, FixKind, Freshness, Span, StripState
from tests.gui.conftest import Stage, focused, press, type_text
from tests.gui.screenshots import end

CTRL = Qt.KeyboardModifier.ControlModifier


async def test_only_the_pages_given_are_in_the_rail(stage: Stage) -> None:
    assert list(stage.window.rail.items) == ["desk", "board", "attention", "help"]


async def test_the_badge_is_spoken(stage: Stage) -> None:
    stage.window.set_badge("attention", 2)
    assert stage.window.rail.items["attention"].accessibleName() == "Attention, 2 waiting"


async def test_the_palette_finds_and_does(stage: Stage) -> None:
    press(Qt.Key.Key_K, CTRL)
    type_text("board")
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.window.current_page() == "board"


async def test_esc_closes_the_palette_and_the_field_has_the_keys_again(stage: Stage) -> None:
    press(Qt.Key.Key_K, CTRL)
    press(Qt.Key.Key_Tab)
    assert stage.window.isAncestorOf(focused())
    press(Qt.Key.Key_Escape)
    await stage.settle()
    assert focused() is stage.desk.field.edit
    assert stage.port.log == []


async def test_the_palette_lists_only_what_can_be_done_now(stage: Stage) -> None:
    words = [action.words for action in stage.window.actions_.find("card")]
    assert words == []
    type_text("omar")
    press(Qt.Key.Key_Return)
    await stage.settle()
    words = [action.words for action in stage.window.actions_.find("card")]
    assert words == ["Move (on the card)", "No-show (on the card)", "Print (on the card)"]


async def test_f1_opens_the_cheat_sheet_and_esc_closes_it(stage: Stage) -> None:
    press(Qt.Key.Key_F1)
    assert focused().accessibleName() == "Close"
    assert len(stage.window.findChildren(Overlay)) == 1
    press(Qt.Key.Key_Escape)
    await stage.settle()
    assert focused() is stage.desk.field.edit


async def test_the_scheme_and_the_text_size_by_keys(stage: Stage) -> None:
    press(Qt.Key.Key_D, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert stage.window.theme.scheme is Scheme.DARK
    press(Qt.Key.Key_Plus, CTRL)
    assert stage.window.theme.scale == 1.1
    press(Qt.Key.Key_Minus, CTRL)
    assert stage.window.theme.scale == 1.0


async def test_notices_wait_for_a_window(theme: Theme) -> None:
    notices = Notices()
    notices.post("said before there was a window", NoticeKind.WARN)
    window = Window(theme, Actions(), notices)
    assert [bar.accessibleName() for bar in window.notice_area.bars] == ["said before there was a window"]
    for number in range(4):
        notices.post(f"notice {number}")
    assert [bar.accessibleName() for bar in window.notice_area.bars] == ["notice 1", "notice 2", "notice 3"]
    end(window)


@pytest.mark.expects_log("window: broken failed")
async def test_an_exception_in_a_task_is_loud(stage: Stage) -> None:
    async def broken() -> None:
        raise RuntimeError("broken on purpose")

    stage.window.tasks.start(broken(), "broken")
    await stage.settle()
    assert "broken on purpose" in stage.window.notice_area.bars[0].accessibleName()


async def test_closing_an_owner_ends_its_tasks() -> None:
    owner = TaskOwner("owner")
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    owner.start(wait(), "wait")
    await asyncio.sleep(0)
    await owner.close()
    assert ended.is_set()
    assert owner.start(wait(), "late") is None


def test_one_key_has_one_shared_action() -> None:
    actions = Actions()
    actions.add(Action("first", "First", lambda: None, "Ctrl+Z", shared=True))
    with pytest.raises(ValueError, match=r"Ctrl\+Z is the key of first already"):
        actions.add(Action("second", "Second", lambda: None, "Ctrl+Z", shared=True))


def test_keys_are_said_as_people_read_them() -> None:
    words = [key_words(key) for key in ("Ctrl+Z", "Return", "Escape", "Ctrl++", "F1", "")]
    assert words == ["Ctrl Z", "Enter", "Esc", "Ctrl +", "F1", ""]


async def test_practice_shows_at_the_edge(stage: Stage) -> None:
    stage.window.set_practice(True)
    assert stage.window.edge.isVisible()
    assert stage.window.windowTitle() == "Callboard · practice"
    stage.window.set_practice(False)
    assert not stage.window.edge.isVisible()


async def test_the_strip_always_answers(stage: Stage) -> None:
    offline = Connection(ConnectionState.OFFLINE, since="09:31")
    stage.window.show_strip(StripState(offline, Freshness("7 min", live=False), 5, "clock 2 s behind"))
    said = stage.window.strip.accessibleName()
    for words in ("Offline since 09:31", "as of 7 min ago", "5 waiting to be sent", "clock 2 s behind"):
        assert words in said


async def test_a_question_is_awaited(stage: Stage) -> None:
    answers = (Fix("move", "Move", FixKind.PRIMARY), Fix("other", "Another slot…"))
    lines = ((Span("09:30 becomes free"),),)
    for keys, wanted in (((Qt.Key.Key_Return,), "move"), ((Qt.Key.Key_Escape,), None)):
        question = Question(stage.window.theme, stage.window, "Move Omar Love?", lines, answers)
        waiting = asyncio.create_task(question.closed())
        await asyncio.sleep(0)
        for key in keys:
            press(key)
        assert await waiting == wanted
    assert focused() is stage.desk.field.edit


async def test_cancelling_who_waits_takes_the_question_away(stage: Stage) -> None:
    question = Question(stage.window.theme, stage.window, "Sure?", (), (Fix("yes", "Yes"),))
    waiting = asyncio.create_task(question.closed())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not question.open


async def test_sounds_can_be_switched_off_by_key(stage: Stage) -> None:
    player = SoundPlayer()
    stage.window.add_sound_switch(player)
    press(Qt.Key.Key_M, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert player.muted
    assert stage.window.notice_area.bars[-1].accessibleName() == "Sounds are off."

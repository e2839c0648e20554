"""Attention by keyboard alone."""

from __future__ import annotations

from PySide6.QtCore import Qt

from tests.gui.conftest import Stage, focused, press, type_text
from tests.gui.sample_day import sample_id

CTRL = Qt.KeyboardModifier.ControlModifier
OMAR = sample_id("omar refused")


async def test_enter_does_the_first_fix(stage: Stage) -> None:
    press(Qt.Key.Key_5, CTRL)
    assert focused() is stage.attention.cards[0].buttons[0]
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.attention_port.log == [(OMAR, "D1030", "")]
    assert stage.attention.model.count == 1
    assert focused() is stage.attention.cards[0].buttons[0]


async def test_arrows_go_from_card_to_card_and_tab_from_fix_to_fix(stage: Stage) -> None:
    press(Qt.Key.Key_5, CTRL)
    press(Qt.Key.Key_Down)
    assert focused() is stage.attention.cards[1].buttons[0]
    press(Qt.Key.Key_Up)
    press(Qt.Key.Key_Tab)
    assert focused() is stage.attention.cards[0].buttons[1]
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.attention_port.log == [(OMAR, "B1140", "")]


async def test_an_override_asks_for_its_reason(stage: Stage) -> None:
    press(Qt.Key.Key_5, CTRL)
    for _ in range(3):
        press(Qt.Key.Key_Tab)
    press(Qt.Key.Key_Return)
    await stage.settle()
    field = stage.attention.cards[0].reason
    assert field is not None
    assert focused() is field.edit
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.attention_port.log == []
    assert "Say why" in stage.attention.message.accessibleName()
    type_text("the judge agreed")
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.attention_port.log == [(OMAR, "override", "the judge agreed")]


async def test_esc_leaves_the_card_as_it_was(stage: Stage) -> None:
    press(Qt.Key.Key_5, CTRL)
    for _ in range(3):
        press(Qt.Key.Key_Tab)
    press(Qt.Key.Key_Return)
    await stage.settle()
    press(Qt.Key.Key_Escape)
    assert stage.attention.cards[0].reason is None
    assert stage.attention_port.log == []
    assert len(stage.attention.cards) == 3


async def test_the_last_card_gives_way_to_the_empty_state(stage: Stage) -> None:
    press(Qt.Key.Key_5, CTRL)
    for _ in range(2):
        press(Qt.Key.Key_Return)
        await stage.settle()
    assert stage.attention.model.count == 0
    assert [view.card.waiting for view in stage.attention.cards] == [True]

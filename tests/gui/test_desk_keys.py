"""The Desk by keyboard alone."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QShortcut

from desktop.qt.sounds import Sound
from desktop.screens.desk.viewmodel import Mode
from desktop.widgets.records import CardAction, Outcome, RecentAction, StatusKind, StatusWord, Tone
from tests.gui.conftest import Stage, focused, hold, press, type_text
from tests.gui.sample_day import sample_id

CTRL = Qt.KeyboardModifier.ControlModifier
MARIA = sample_id("claim of María López-Ruiz")
OMAR = sample_id("claim of Omar Love")
CHOIR = sample_id("claim of Choir of Oak Hill")


def in_field(stage: Stage) -> bool:
    """Whether the search field has the keys and is empty."""
    return focused() is stage.desk.field.edit and stage.desk.field.edit.text() == ""


async def test_three_letters_enter_enter_checks_in(stage: Stage) -> None:
    assert in_field(stage)
    type_text("lóp")
    assert stage.desk.card.card is not None
    assert stage.desk.card.card.name == "María López-Ruiz"
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.desk.model.state.mode is Mode.CARD
    assert stage.port.log == []
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == [("check_in", (MARIA, None))]
    assert in_field(stage)
    assert stage.played == [Sound.ACCEPT]
    card = stage.desk.card.card
    assert card is not None
    assert card.status is not None
    assert card.status.kind is StatusKind.HERE


async def test_it_says_here_only_once_the_action_is_durable(stage: Stage) -> None:
    gate = asyncio.Event()
    real = stage.port.check_in

    async def slow(reservation_id: UUID, members: tuple[UUID, ...] | None = None) -> Outcome:
        await gate.wait()
        return await real(reservation_id, members)

    stage.port.check_in = slow  # type: ignore[method-assign]  # the disk, held back
    type_text("CBRSV-7K3M9")
    press(Qt.Key.Key_Return)
    await asyncio.sleep(0.05)
    waiting = stage.desk.model.state
    assert waiting.busy
    assert waiting.verdict is None
    assert stage.played == []
    gate.set()
    await stage.settle()
    verdict = stage.desk.model.state.verdict
    assert verdict is not None
    assert verdict.words == "María López-Ruiz is here"
    assert stage.desk.banner.isVisible()
    assert stage.played == [Sound.ACCEPT]


async def test_a_scan_acts_at_once_and_a_typed_code_too(stage: Stage) -> None:
    type_text("CBRSV-7K3M9")
    press(Qt.Key.Key_Return)
    await stage.settle()
    type_text("cbrsv-5hw2k")
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == [("check_in", (MARIA, None)), ("check_in", (OMAR, None))]
    assert in_field(stage)


async def test_a_scan_while_a_card_is_open(stage: Stage) -> None:
    type_text("marco")
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.desk.model.state.mode is Mode.CARD
    type_text("CBRSV-5HW2K")
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == [("check_in", (OMAR, None))]


async def test_two_scans_before_the_disk_has_answered_are_both_done_in_order(stage: Stage) -> None:
    for code in ("CBRSV-7K3M9", "CBRSV-5HW2K"):
        type_text(code)
        press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == [("check_in", (MARIA, None)), ("check_in", (OMAR, None))]
    assert in_field(stage)


async def test_a_name_begun_before_the_disk_has_answered_is_kept(stage: Stage) -> None:
    type_text("CBRSV-7K3M9")
    press(Qt.Key.Key_Return)
    type_text("omar")
    await stage.settle()
    assert stage.desk.field.edit.text() == "omar"
    assert stage.desk.model.state.results[0].name == "Omar Love"
    verdict = stage.desk.model.state.verdict
    assert verdict is not None
    assert verdict.words == "María López-Ruiz is here"


async def test_enter_acts_on_the_person_who_was_on_the_card(stage: Stage) -> None:
    type_text("omar")
    press(Qt.Key.Key_Return)
    press(Qt.Key.Key_Return)
    type_text("xma")
    await stage.settle()
    assert stage.port.log == [("check_in", (OMAR, None))]
    assert stage.desk.field.edit.text() == "xma"


async def test_the_card_keeps_the_keys_when_another_desk_changes_it(stage: Stage) -> None:
    type_text("omar")
    press(Qt.Key.Key_Return)
    await stage.settle()
    for status in (StatusWord(StatusKind.HERE, "Here 09:39"), StatusWord(StatusKind.EXPECTED, "Expected")):
        stage.port.people[sample_id("Omar Love")].status = status
        stage.port.tell()
        assert stage.desk.card is focused() or stage.desk.card.isAncestorOf(focused())
        assert stage.desk.model.state.mode is Mode.CARD


async def test_an_unknown_code_is_refused_in_words_and_by_sound(stage: Stage) -> None:
    type_text("CBRSV-XXXXX")
    press(Qt.Key.Key_Return)
    await stage.settle()
    verdict = stage.desk.model.state.verdict
    assert verdict is not None
    assert verdict.tone is Tone.BAD
    assert "not from this programme" in verdict.words
    assert stage.played == [Sound.REFUSE]
    assert stage.port.log == []
    assert in_field(stage)


async def test_the_wrong_day_is_redirected_not_rejected(stage: Stage) -> None:
    type_text("CBRSV-8MP7Q")
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == []
    assert stage.played == [Sound.WARN]
    verdict = stage.desk.model.state.verdict
    assert verdict is not None
    assert "Sunday 15 March at 09:40, Room B" in verdict.words
    assert list(stage.desk.card.buttons)[:2] == [CardAction.MOVE, CardAction.CHECK_IN]
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.desk.model.state.mode is Mode.SLOTS


async def test_somebody_already_in_is_not_taken_out_by_enter(stage: Stage) -> None:
    type_text("margaret")
    press(Qt.Key.Key_Return)
    await stage.settle()
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == []
    assert in_field(stage)


async def test_move_by_keys(stage: Stage) -> None:
    type_text("omar")
    press(Qt.Key.Key_Return)
    await stage.settle()
    press(Qt.Key.Key_M)
    await stage.settle()
    assert focused() is stage.desk.slots.list
    press(Qt.Key.Key_Down)
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == []
    assert stage.played == [Sound.WARN]
    press(Qt.Key.Key_Down)
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == [("move", (OMAR, sample_id("B1140")))]
    assert in_field(stage)


async def test_esc_goes_back_step_by_step(stage: Stage) -> None:
    type_text("omar")
    press(Qt.Key.Key_Return)
    await stage.settle()
    press(Qt.Key.Key_M)
    await stage.settle()
    press(Qt.Key.Key_Escape)
    assert stage.desk.model.state.mode is Mode.CARD
    press(Qt.Key.Key_Escape)
    assert in_field(stage)
    assert stage.desk.model.state.card is None


async def test_no_show_and_print_by_keys(stage: Stage) -> None:
    type_text("omar")
    press(Qt.Key.Key_Return)
    await stage.settle()
    press(Qt.Key.Key_P)
    assert [card.name for card in stage.printed] == ["Omar Love"]
    press(Qt.Key.Key_N)
    await stage.settle()
    assert stage.port.log == [("no_show", OMAR)]


async def test_down_chooses_another_match(stage: Stage) -> None:
    type_text("mar lo")
    press(Qt.Key.Key_Down)
    assert stage.desk.card.card is not None
    assert stage.desk.card.card.name == "Marco Lombardi"
    press(Qt.Key.Key_Return)
    await stage.settle()
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == [("check_in", (sample_id("claim of Marco Lombardi"), None))]


async def test_undo_from_anywhere(stage: Stage) -> None:
    type_text("CBRSV-7K3M9")
    press(Qt.Key.Key_Return)
    await stage.settle()
    press(Qt.Key.Key_2, CTRL)
    assert stage.window.current_page() == "board"
    press(Qt.Key.Key_Z, CTRL)
    await stage.settle()
    assert stage.port.log[-1][0] == "undo"
    person = stage.port.people[sample_id("María López-Ruiz")]
    assert person.status.kind is StatusKind.EXPECTED


async def test_undo_takes_the_newest_first_and_says_when_there_is_none(stage: Stage) -> None:
    for _ in range(3):
        press(Qt.Key.Key_Z, CTRL)
        await stage.settle()
    assert [what for _, what in stage.port.log] == [sample_id("aoife"), sample_id("choir"), sample_id("liam")]
    press(Qt.Key.Key_Z, CTRL)
    await stage.settle()
    assert len(stage.port.log) == 3
    assert stage.played[-1] is Sound.WARN


async def test_a_group_by_arrows_and_space_then_all_by_enter(stage: Stage) -> None:
    type_text("choir")
    press(Qt.Key.Key_Return)
    await stage.settle()
    members = stage.desk.card.members
    assert members is not None
    assert focused() is members
    assert members.current == 13
    press(Qt.Key.Key_Left)
    press(Qt.Key.Key_Space)
    await stage.settle()
    assert stage.port.log == [("undo_member", (CHOIR, sample_id("Margaret Low")))]
    assert focused() is stage.desk.card.members
    assert stage.desk.card.card is not None
    assert stage.desk.card.card.status is not None
    assert stage.desk.card.card.status.words == "12 of 14 here"
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log[-1] == ("check_in", (CHOIR, None))
    assert in_field(stage)


async def test_a_refusal_leaves_the_card_where_it_was(stage: Stage) -> None:
    stage.port.refuse_next = Outcome(False, "The disk is full; nothing was recorded.", Tone.BAD)
    type_text("omar")
    press(Qt.Key.Key_Return)
    await stage.settle()
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.desk.model.state.mode is Mode.CARD
    assert stage.played == [Sound.REFUSE]
    assert stage.desk.banner.accessibleName() == "The disk is full; nothing was recorded."


async def test_an_unknown_name_becomes_a_walk_in(stage: Stage) -> None:
    type_text("Zebedee Quill")
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert focused() is stage.desk.slots.list
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == [("walk_in", ("Zebedee Quill", sample_id("D1030")))]
    assert in_field(stage)


async def test_a_bug_in_an_action_frees_the_screen(stage: Stage) -> None:
    model = stage.desk.model

    async def broken(command_id: UUID) -> Outcome:
        raise RuntimeError("broken on purpose")

    stage.port.undo = broken  # type: ignore[method-assign]  # a bug, planted
    work = model.undo_last()
    assert work is not None
    with pytest.raises(RuntimeError, match="broken on purpose"):
        await work
    assert not model.state.busy


async def test_undo_never_takes_an_older_action_for_the_newest(stage: Stage) -> None:
    moved = StatusWord(StatusKind.EXPECTED, "Omar Love 09:38")
    stage.port.remember(RecentAction(sample_id("moved"), moved, can_undo=False))
    press(Qt.Key.Key_Z, CTRL)
    await stage.settle()
    assert stage.port.log == []
    verdict = stage.desk.model.state.verdict
    assert verdict is not None
    assert verdict.tone is Tone.WARN
    assert "Omar Love 09:38" in verdict.words


async def test_undo_right_after_a_scan_is_about_that_scan(stage: Stage) -> None:
    type_text("CBRSV-7K3M9")
    press(Qt.Key.Key_Return)
    press(Qt.Key.Key_Z, CTRL)
    await stage.settle()
    assert [kind for kind, _ in stage.port.log] == ["check_in", "undo"]
    assert stage.port.people[sample_id("María López-Ruiz")].status.kind is StatusKind.EXPECTED


async def test_the_windows_keys_do_not_repeat_themselves(stage: Stage) -> None:
    shortcuts = stage.window.findChildren(QShortcut)
    assert shortcuts
    assert not any(shortcut.autoRepeat() for shortcut in shortcuts)


async def test_enter_held_down_takes_to_the_card_and_no_further(stage: Stage) -> None:
    type_text("omar")
    press(Qt.Key.Key_Return)
    hold(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == []
    assert stage.desk.model.state.mode is Mode.CARD


async def test_a_letter_held_down_opens_the_slots_and_takes_none(stage: Stage) -> None:
    type_text("omar")
    press(Qt.Key.Key_Return)
    await stage.settle()
    hold(Qt.Key.Key_N, "n")
    await stage.settle()
    assert stage.port.log == []
    press(Qt.Key.Key_M)
    await stage.settle()
    hold(Qt.Key.Key_M, "m")
    hold(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == []
    assert stage.desk.model.state.mode is Mode.SLOTS


async def test_space_held_down_ticks_a_member_once(stage: Stage) -> None:
    type_text("choir")
    press(Qt.Key.Key_Return)
    await stage.settle()
    press(Qt.Key.Key_Space)
    hold(Qt.Key.Key_Space, " ")
    hold(Qt.Key.Key_Return)
    await stage.settle()
    assert len(stage.port.log) == 1


async def test_what_is_shown_from_the_board_has_the_card_and_its_keys(stage: Stage) -> None:
    type_text("choir")
    stage.window.show_page("board")
    assert stage.desk.model.show(sample_id("Omar Love"), OMAR)
    stage.window.show_page("desk")
    stage.desk.focus_card()
    assert stage.desk.model.state.mode is Mode.CARD
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == [("check_in", (OMAR, None))]
    assert not stage.desk.model.show(UUID(int=0), OMAR)


async def test_nobody_walks_in_while_the_day_is_being_fetched(stage: Stage) -> None:
    stage.port.loading = "40 % is here."
    stage.port.tell()
    assert stage.desk.empty.title == "Fetching the day…"
    type_text("Zebedee Quill")
    press(Qt.Key.Key_Return)
    await stage.settle()
    assert stage.port.log == []
    assert stage.desk.model.state.mode is Mode.SEARCH
    verdict = stage.desk.model.state.verdict
    assert verdict is not None
    assert (verdict.tone, verdict.detail) == (Tone.WARN, "40 % is here.")

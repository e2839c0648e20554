"""Screens over the sample day, driven by keys as a person would drive them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop.qt.actions import Actions
from desktop.qt.notices import Notices
from desktop.qt.sounds import Sound
from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Appearance, Theme
from desktop.screens.attention.page import AttentionPage
from desktop.screens.attention.viewmodel import AttentionViewModel
from desktop.screens.desk.actions import desk_actions
from desktop.screens.desk.page import DeskPage
from desktop.screens.desk.viewmodel import DeskViewModel
from desktop.screens.enrol.page import EnrolPage
from desktop.screens.enrol.viewmodel import EnrolViewModel
from desktop.shell.window import Window
from desktop.widgets.records import Outcome, PersonCard, Tone
from desktop.widgets.surface import Surface
from tests.gui.sample_day import SampleAttention, SampleDesk, SampleEnrol
from tests.gui.screenshots import end


def focused() -> QWidget:
    """Return the widget that has the keys; a screen without one is a fault in itself."""
    widget = QApplication.focusWidget()
    assert widget is not None, "nothing has the focus"
    return widget


def press(key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press one key where the focus is."""
    QTest.keyClick(focused(), key, modifier)
    QApplication.processEvents()


def hold(key: Qt.Key, text: str = "") -> None:
    """Let one key repeat itself where the focus is, as it does while it is held down."""
    nothing = Qt.KeyboardModifier.NoModifier
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) * 3:
        QApplication.sendEvent(focused(), QKeyEvent(kind, key, nothing, text, True))
    QApplication.processEvents()


def type_text(text: str) -> None:
    """Type letter by letter; each goes to whatever has the focus by then."""
    for letter in text:
        if letter.isascii():
            QTest.keyClicks(focused(), letter)
        else:  # QTest knows ASCII keys alone; an input method sends a key without a code
            event = QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, letter)
            QApplication.sendEvent(focused(), event)
    QApplication.processEvents()


@dataclass
class Stage:
    """A window with its screens, and everything that a test looks at."""

    window: Window
    tasks: TaskOwner
    desk: DeskPage
    port: SampleDesk
    attention: AttentionPage
    attention_port: SampleAttention
    played: list[Sound] = field(default_factory=list)
    printed: list[PersonCard] = field(default_factory=list)

    async def settle(self) -> None:
        """Wait for what the last key started, and for the screen to follow."""
        await self.tasks.settle()
        await self.window.tasks.settle()
        QApplication.processEvents()


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    """A light theme at the default text size."""
    return Theme(Appearance.LIGHT)


def show(window: QWidget) -> None:
    """Show a window and give it the keys."""
    window.show()
    window.activateWindow()
    QApplication.processEvents()


@pytest.fixture
async def stage(theme: Theme) -> AsyncIterator[Stage]:
    """A window that shows the Desk, with Board (blank) and Attention beside it."""
    tasks = TaskOwner("stage")
    port, attention_port = SampleDesk(), SampleAttention()
    played: list[Sound] = []
    printed: list[PersonCard] = []

    def print_card(card: PersonCard) -> Outcome:
        printed.append(card)
        return Outcome(True, "printed", Tone.NOTE)

    desk = DeskPage(theme, DeskViewModel(port), tasks, played.append, print_card)
    attention = AttentionPage(theme, AttentionViewModel(attention_port), tasks)
    window = Window(theme, Actions(), Notices())
    blank = Surface(theme)
    blank.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    window.add_page("desk", "Desk", "desk", desk, "Ctrl+1")
    window.add_page("board", "Board", "board", blank, "Ctrl+2")
    window.add_page("attention", "Attention", "attention", attention, "Ctrl+5", bottom=True)
    window.add_help()
    for action in desk_actions(desk):
        window.actions_.add(action)
    window.show_page("desk")
    show(window)
    yield Stage(window, tasks, desk, port, attention, attention_port, played, printed)
    await tasks.close()
    await window.tasks.close()
    end(window)


@dataclass
class FirstRun:
    """The first run alone in its window."""

    window: Window
    page: EnrolPage
    port: SampleEnrol
    tasks: TaskOwner

    async def settle(self) -> None:
        """Wait for what the last key started."""
        await self.tasks.settle()
        QApplication.processEvents()


@pytest.fixture
async def first_run(theme: Theme) -> AsyncIterator[FirstRun]:
    """The first run, waiting for a code."""
    tasks = TaskOwner("first run")
    port = SampleEnrol()
    page = EnrolPage(theme, EnrolViewModel(port), tasks)
    window = Window(theme, Actions(), Notices())
    window.show_alone(page)
    show(window)
    yield FirstRun(window, page, port, tasks)
    await tasks.close()
    await window.tasks.close()
    end(window)

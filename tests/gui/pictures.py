"""The pictures of the desk, the first run and attention, built from the sample day."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from PySide6.QtWidgets import QWidget

from desktop.qt.actions import Actions
from desktop.qt.notices import NoticeKind, Notices
from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Theme
from desktop.screens.attention.page import AttentionPage
from desktop.screens.attention.viewmodel import AttentionViewModel
from desktop.screens.desk.actions import desk_actions
from desktop.screens.desk.page import DeskPage
from desktop.screens.desk.viewmodel import DeskViewModel, SlotsFor
from desktop.screens.enrol.page import EnrolPage
from desktop.screens.enrol.viewmodel import EnrolViewModel
from desktop.shell.window import Window
from desktop.widgets.records import Outcome, PersonCard, StripState, Tone
from desktop.widgets.surface import Surface
from tests.gui.sample_day import (
    SampleAttention,
    SampleDesk,
    SampleEnrol,
    names_of_the_world,
    sample_id,
    sample_strip,
)
from tests.gui.screenshots import picture

_RUNNING: set[asyncio.Task[None]] = set()  # the loop itself holds its tasks weakly


def begin(work: Coroutine[Any, Any, None]) -> None:
    """Start `work` as a key press would; it goes on while the picture is taken."""
    task = asyncio.get_running_loop().create_task(work)
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)


def make_window(theme: Theme, pages: dict[str, QWidget], shown: str, strip: StripState, attention: int = 2) -> Window:
    """Return a window with the pages that there are; those that are not in `pages` are blank, to fill the rail."""
    window = Window(theme, Actions(), Notices())
    rail = (("desk", "Desk"), ("board", "Board"))
    for at, (key, words) in enumerate(rail):
        window.add_page(key, words, key, pages.get(key) or Surface(theme), f"Ctrl+{at + 1}")
    attention_page = pages.get("attention") or Surface(theme)
    window.add_page("attention", "Attention", "attention", attention_page, "Ctrl+5", bottom=True)
    window.add_help()
    window.set_badge("attention", attention)
    window.show_strip(strip)
    window.show_page(shown)
    return window


def no_print(card: PersonCard) -> Outcome:
    """Take the place of a printer in pictures."""
    return Outcome(True, f"Printed the slip of {card.name}", Tone.NOTE)


def desk_window(theme: Theme, port: SampleDesk) -> tuple[Window, DeskViewModel]:
    """Return a window that shows the Desk over `port`."""
    model = DeskViewModel(port)
    page = DeskPage(theme, model, TaskOwner("desk"), lambda sound: None, no_print)
    window = make_window(theme, {"desk": page}, "desk", sample_strip(port.offline))
    for action in desk_actions(page):
        window.actions_.add(action)
    return window, model


@picture("desk-empty")
def desk_empty(theme: Theme) -> QWidget:
    """Nothing typed yet."""
    return desk_window(theme, SampleDesk(quiet=True))[0]


@picture("desk-busy")
def desk_busy(theme: Theme) -> QWidget:
    """Four matches, the first as a card: the design's own picture."""
    port = SampleDesk()
    for name in ("Choir of Oak Hill", "Ruth Katz"):
        del port.people[sample_id(name)]
    window, model = desk_window(theme, port)
    model.type_text("mar lo")
    return window


@picture("desk-offline")
def desk_offline(theme: Theme) -> QWidget:
    """The same without the server."""
    window, model = desk_window(theme, SampleDesk(offline=True))
    model.type_text("mar lo")
    return window


@picture("desk-card")
def desk_card(theme: Theme) -> QWidget:
    """The card has the keys."""
    window, model = desk_window(theme, SampleDesk())
    model.type_text("mar lo")
    model.take()
    return window


@picture("desk-group")
def desk_group(theme: Theme) -> QWidget:
    """A group with one missing."""
    window, model = desk_window(theme, SampleDesk())
    model.type_text("oak")
    model.take()
    return window


@picture("desk-redirect")
def desk_redirect(theme: Theme) -> QWidget:
    """Somebody on the wrong day."""
    window, model = desk_window(theme, SampleDesk())
    model.type_text("ruth")
    model.take()
    return window


@picture("desk-large-text", scale=2.0)
def desk_large_text(theme: Theme) -> QWidget:
    """The card at twice the text size."""
    window, model = desk_window(theme, SampleDesk())
    model.type_text("mar lo")
    model.take()
    return window


@picture("desk-large-text-list", scale=2.0)
def desk_large_text_list(theme: Theme) -> QWidget:
    """The matches at twice the text size."""
    window, model = desk_window(theme, SampleDesk())
    model.type_text("mar lo")
    return window


def attention_window(theme: Theme, port: SampleAttention, offline: bool) -> Window:
    """Return a window that shows Attention over `port`."""
    model = AttentionViewModel(port)
    page = AttentionPage(theme, model, TaskOwner("attention"))
    return make_window(theme, {"attention": page}, "attention", sample_strip(offline), model.count)


@picture("attention-busy")
def attention_busy(theme: Theme) -> QWidget:
    """A refused move, a double check-in, three proposals that wait: the design's own picture."""
    return attention_window(theme, SampleAttention(), offline=True)


@picture("attention-empty")
def attention_empty(theme: Theme) -> QWidget:
    """Nothing to settle."""
    return attention_window(theme, SampleAttention(empty=True), offline=False)


def enrol_window(theme: Theme) -> tuple[Window, EnrolViewModel]:
    """Return a window that the first run has alone."""
    model = EnrolViewModel(SampleEnrol())
    window = Window(theme, Actions(), Notices())
    window.show_alone(EnrolPage(theme, model, TaskOwner("enrol")))
    return window, model


@picture("enrol-start")
def enrol_start(theme: Theme) -> QWidget:
    """Half a code: the design's own picture."""
    window, model = enrol_window(theme)
    model.set_code("7K3M")
    return window


@picture("enrol-progress")
def enrol_progress(theme: Theme) -> QWidget:
    """The first sync."""
    window, model = enrol_window(theme)
    model.set_code("7K3M9QAB")
    begin(model.submit())
    return window


@picture("enrol-error")
def enrol_error(theme: Theme) -> QWidget:
    """A code that is not known."""
    window, model = enrol_window(theme)
    model.set_code("7K3M9QAX")
    begin(model.submit())
    return window


@picture("enrol-server")
def enrol_server(theme: Theme) -> QWidget:
    """The address of the server is asked for."""
    window, model = enrol_window(theme)
    model.ask_server(True)
    return window


@picture("enrol-large-text", scale=2.0)
def enrol_large_text(theme: Theme) -> QWidget:
    """The first run at twice the text size."""
    window, model = enrol_window(theme)
    model.set_code("7K3M")
    return window


@picture("attention-large-text", scale=2.0)
def attention_large_text(theme: Theme) -> QWidget:
    """Attention at twice the text size."""
    return attention_window(theme, SampleAttention(), offline=True)


@picture("attention-reason")
def attention_reason(theme: Theme) -> QWidget:
    """The reason of an override is being typed."""
    port = SampleAttention()
    window = attention_window(theme, port, offline=True)
    page = window.findChild(AttentionPage)
    assert page is not None
    card = port.cards()[0]
    override = next(fix for fix in card.fixes if fix.needs_reason)
    begin(page.model.settle(card.card_id, override))
    return window


def scan(model: DeskViewModel) -> None:
    """Press Enter on a code; what it starts is done before the picture is taken."""
    work = model.enter()
    if work is not None:
        begin(work)


@picture("desk-here")
def desk_here(theme: Theme) -> QWidget:
    """Just checked in: green, and ready for the next."""
    window, model = desk_window(theme, SampleDesk())
    model.type_text("CBRSV-7K3M9")
    scan(model)
    return window


@picture("desk-move")
def desk_move(theme: Theme) -> QWidget:
    """The list of slots to move to."""
    window, model = desk_window(theme, SampleDesk())
    model.type_text("omar")
    model.take()
    model.open_slots(SlotsFor.MOVE)
    return window


@picture("desk-nobody")
def desk_nobody(theme: Theme) -> QWidget:
    """Nobody has this name."""
    window, model = desk_window(theme, SampleDesk())
    model.type_text("Zebedee")
    return window


@picture("desk-refused-code")
def desk_refused_code(theme: Theme) -> QWidget:
    """A code of another programme."""
    window, model = desk_window(theme, SampleDesk())
    model.type_text("CBRSV-XXXXX")
    scan(model)
    return window


@picture("desk-names")
def desk_names(theme: Theme) -> QWidget:
    """Very long names, and names in other scripts."""
    window, model = desk_window(theme, SampleDesk(people=names_of_the_world()))
    model.type_text("a")
    return window


@picture("desk-names-large-text", scale=2.0)
def desk_names_large_text(theme: Theme) -> QWidget:
    """The longest name at twice the text size."""
    window, model = desk_window(theme, SampleDesk(people=names_of_the_world()))
    model.type_text("wolfe")
    model.take()
    return window


@picture("palette")
def palette(theme: Theme) -> QWidget:
    """Every action by its words."""
    window, _model = desk_window(theme, SampleDesk())
    window.resize(1366, 768)
    window.show()
    window.open_palette()
    return window


@picture("keys")
def keys(theme: Theme) -> QWidget:
    """Every key."""
    window, _model = desk_window(theme, SampleDesk())
    window.resize(1366, 768)
    window.show()
    window.open_cheat_sheet()
    return window


@picture("practice")
def practice(theme: Theme) -> QWidget:
    """The practice day, with a notice."""
    window, model = desk_window(theme, SampleDesk())
    model.type_text("mar lo")
    window.set_practice(True)
    window.notices.post("The line is back: everything is sent.", NoticeKind.GOOD)
    return window

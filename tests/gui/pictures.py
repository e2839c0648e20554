"""The pictures of the desk, the first run and attention, built from the sample day."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from desktop.qt.actions import Actions
from desktop.qt.notices import Notices
from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Theme
from desktop.screens.desk.page import DeskPage
from desktop.screens.desk.viewmodel import DeskViewModel
from desktop.shell.window import Window
from desktop.widgets.records import PersonCard, StripState
from desktop.widgets.surface import Surface
from tests.gui.sample_day import SampleDesk, sample_id, sample_strip
from tests.gui.screenshots import picture


def make_window(theme: Theme, pages: dict[str, QWidget], shown: str, strip: StripState, attention: int = 2) -> Window:
    """Return a window with the rail of the pictures; `pages` are the real ones, the rest are blank."""
    window = Window(theme, Actions(), Notices())
    rail = (("desk", "Desk"), ("board", "Board"), ("room", "Room"), ("manage", "Manage"))
    for key, words in rail:
        window.add_page(key, words, key, pages.get(key) or Surface(theme))
    window.add_page("attention", "Attention", "attention", pages.get("attention") or Surface(theme), bottom=True)
    window.add_help()
    window.set_badge("attention", attention)
    window.show_strip(strip)
    window.show_page(shown)
    return window


def no_print(card: PersonCard) -> None:
    """Take the place of a printer in pictures."""


def desk_window(theme: Theme, port: SampleDesk) -> tuple[Window, DeskViewModel]:
    """Return a window that shows the Desk over `port`."""
    model = DeskViewModel(port)
    page = DeskPage(theme, model, TaskOwner("desk"), lambda sound: None, no_print)
    return make_window(theme, {"desk": page}, "desk", sample_strip(port.offline)), model


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

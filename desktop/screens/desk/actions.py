"""What can be done at the Desk, as data for the palette and the cheat sheet."""

from __future__ import annotations

from functools import partial

from desktop.qt.actions import Action
from desktop.qt.i18n import tr
from desktop.screens.desk.page import DeskPage
from desktop.screens.desk.viewmodel import Mode
from desktop.widgets.person_card import BUTTON_LOOKS
from desktop.widgets.records import CardAction


def desk_actions(page: DeskPage) -> list[Action]:
    """Return the Desk's actions. Undo and Search are shared: the window binds their keys everywhere."""
    group = tr("Desk")
    model = page.model
    listed = [
        Action("desk.search", tr("Find somebody"), page.start_over, "Ctrl+F", "search", group, shared=True),
        Action("desk.undo_last", tr("Undo the last action"), page.undo_last, "Ctrl+Z", "undo", group, shared=True),
        Action(
            "desk.take",
            tr("Take the first match, then check in"),
            page.press_enter,
            "Return",
            "check",
            group,
            lambda: bool(model.state.results) or model.state.mode is Mode.CARD,
        ),
    ]
    for action in (CardAction.MOVE, CardAction.NO_SHOW, CardAction.RESERVE, CardAction.PRINT):
        words, icon, key = BUTTON_LOOKS[action]
        said = tr("{action} (on the card)", action=tr(words).rstrip("…"))
        name, press, ready = f"desk.{action.value}", partial(page.press, action), partial(page.can_press, action)
        listed.append(Action(name, said, press, key, icon, group, ready))
    listed.append(Action("desk.back", tr("Back to an empty field"), page.start_over, "Escape", "close", group))
    listed.append(Action("desk.tick", tr("Tick one member of a group"), page.focus_members, "Space", "people", group))
    return listed

"""The list of slots as an awaited panel: type to narrow, arrows to choose, Enter to take, Esc for none."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.screens.slots.viewmodel import SlotsViewModel
from desktop.widgets.person_rows import SlotRowPainter
from desktop.widgets.pick_panel import PickPanel
from desktop.widgets.records import SlotLine


class SlotPanel(PickPanel):
    """Draws a `SlotsViewModel` over a window; a slot that fills up while it is open says so at once."""

    def __init__(self, theme: Theme, window: QWidget, title: str, model: SlotsViewModel) -> None:
        """Open the panel; `title` says for whom: "Move Omar Love to…"."""
        self.model = model
        super().__init__(
            theme,
            window,
            title,
            tr("time, event or room"),
            SlotRowPainter(theme),
            model.find,
            lambda row: model.why_not(_line(row)),
            tr("No open slot matches. Esc goes back."),
            width=720,
        )
        model.state_changed.connect(self.refresh)


async def pick_slot(theme: Theme, window: QWidget, title: str, model: SlotsViewModel) -> SlotLine | None:
    """Ask for a slot and close `model`; None when nobody took one."""
    try:
        chosen = await SlotPanel(theme, window, title, model).closed()
    finally:
        model.close()
    return _line(chosen) if chosen is not None else None


def _line(row: object) -> SlotLine:
    assert isinstance(row, SlotLine)
    return row

"""The strip of the last actions of this desk, each with its Undo."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from desktop.qt.i18n import tr
from desktop.qt.theme import Theme
from desktop.widgets.chip import StatusChip
from desktop.widgets.link import LinkButton
from desktop.widgets.records import RecentAction
from desktop.widgets.surface import Card, Surface
from desktop.widgets.text import SMALL, TextBlock


class _RecentItem(Card):
    """One action: its chip and Undo; the newest names the key."""

    def __init__(self, theme: Theme, action: RecentAction, newest: bool) -> None:
        super().__init__(theme, radius=12, shadow=False)
        self.action = action
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(StatusChip(theme, action.status), 0, Qt.AlignmentFlag.AlignVCenter)
        self.undo = LinkButton(theme, tr("Undo"), key=tr("Ctrl Z") if newest else "")
        self.undo.setAccessibleName(tr("Undo: {what}", what=action.status.words))
        row.addWidget(self.undo, 0, Qt.AlignmentFlag.AlignVCenter)
        self.undo.setVisible(action.can_undo)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """42 px high at the default text scale."""
        return QSize(super().sizeHint().width(), self.theme.control_px(42))


class RecentStrip(Surface):
    """Newest first; shows as many as fit, never half of one. `undo(command_id)` when one is pressed."""

    undo = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """Make an empty strip."""
        super().__init__(theme, None, parent)
        self.setAccessibleName(tr("Last actions"))
        self._actions: tuple[RecentAction, ...] = ()
        self._items: list[_RecentItem] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(10)
        self._lead = TextBlock(theme, SMALL, "text.secondary", tr("Just now"), elide=True)
        self._row.addWidget(self._lead)
        self._row.addStretch(1)
        self._lead.hide()
        theme.changed.connect(self._theme_changed)

    def show_actions(self, actions: Sequence[RecentAction]) -> None:
        """Show `actions`, newest first."""
        if tuple(actions) == self._actions:
            return
        self._actions = tuple(actions)
        for item in self._items:
            self._row.removeWidget(item)
            item.hide()
            item.deleteLater()
        self._items = []
        for at, action in enumerate(self._actions):
            item = _RecentItem(self.theme, action, newest=at == 0)
            item.undo.clicked.connect(lambda _=False, command=action.command_id: self.undo.emit(command))
            self._row.insertWidget(at + 1, item)
            self._items.append(item)
        self._lead.setVisible(bool(self._actions))
        self._fit()

    def sizeHint(self) -> QSize:
        """42 px high at the default text scale."""
        return QSize(200, self.theme.control_px(42))

    def minimumSizeHint(self) -> QSize:
        """Any width will do: what does not fit is not shown."""
        return QSize(100, self.theme.control_px(42))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many as fit now."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        used = self._lead.sizeHint().width()
        for at, item in enumerate(self._items):
            used += self._row.spacing() + item.sizeHint().width()
            item.setVisible(at == 0 or used <= self.width())

    def _theme_changed(self) -> None:
        self.updateGeometry()
        self._fit()

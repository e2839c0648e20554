"""The one window: rail, page, status strip; notices, palette and cheat sheet over it; the edge that marks practice."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent, QShortcut
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop.qt.actions import Action, Actions
from desktop.qt.i18n import tr
from desktop.qt.icons import make_icon
from desktop.qt.notices import NoticeKind, Notices
from desktop.qt.sounds import Sound, SoundPlayer
from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Appearance, Theme
from desktop.qt.tokens import Scheme
from desktop.shell.cheat_sheet import CheatSheet
from desktop.shell.notice_area import NoticeArea
from desktop.shell.palette import Palette
from desktop.shell.rail import Rail
from desktop.shell.strip import StatusStrip
from desktop.widgets.painting import draw_box, draw_hatch, draw_text
from desktop.widgets.records import StripState
from desktop.widgets.surface import Surface

PRACTICE_EDGE = 6


class PracticeEdge(QWidget):
    """A striped edge around the whole window with the word Practice; lets every click through."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        """Make the edge, hidden."""
        super().__init__(window)
        self.theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(tr("Practice day: nothing here is real"))
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the four bars and the tab at the top."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, height, edge = self.width(), self.height(), PRACTICE_EDGE
        bars = (
            QRect(0, 0, width, edge),
            QRect(0, height - edge, width, edge),
            QRect(0, edge, edge, height - 2 * edge),
            QRect(width - edge, edge, edge, height - 2 * edge),
        )
        for bar in bars:
            painter.fillRect(bar, self.theme.color("late.subtle"))
            draw_hatch(painter, bar, 0, self.theme.color("late.text"), 12)
        words = tr("Practice day · nothing here is real")
        tab = QRect((width - self.theme.text_px(250)) // 2, -8, self.theme.text_px(250), self.theme.text_px(30))
        draw_box(painter, tab, 8, self.theme.color("late.subtle"), self.theme.color("late.text"))
        font = self.theme.font(12, 600)
        shown = tab.adjusted(8, 8, -8, 0)
        draw_text(painter, shown, words, font, self.theme.color("late.text"), Qt.AlignmentFlag.AlignHCenter)
        painter.end()


class Window(Surface):
    """Pages are given to it by name; only those are shown in the rail. `closing` when somebody closes it."""

    closing = Signal()
    page_shown = Signal(str)

    def __init__(self, theme: Theme, actions: Actions, notices: Notices) -> None:
        """Make an empty window of 1366×768."""
        super().__init__(theme)
        self.actions_ = actions
        self.notices = notices
        self.tasks = TaskOwner("window", self._task_failed)
        self.rail = Rail(theme)
        self.strip = StatusStrip(theme)
        self._stack = QStackedWidget()
        self._pages: dict[str, QWidget] = {}
        self._alone: QWidget | None = None
        self._overlay: Palette | CheatSheet | None = None
        self._shortcuts: list[QShortcut] = []
        self._build()
        self.setWindowTitle("Callboard")
        self.resize(1366, 768)
        self.setMinimumSize(800, 560)
        self.rail.chosen.connect(self.show_page)
        theme.changed.connect(self._theme_changed)
        actions.changed.connect(self._bind_keys)
        self._add_actions()
        self._theme_changed()
        self.notice_area = NoticeArea(theme, self)
        self.edge = PracticeEdge(theme, self)
        notices.listen(self.notice_area.show_notice)

    def add_page(
        self, key: str, words: str, icon: str, page: QWidget, shortcut: str = "", bottom: bool = False
    ) -> None:
        """Add a page and its rail item; `shortcut` ("Ctrl+1") goes to it from anywhere."""
        self.rail.add_item(key, words, icon, bottom)
        self._pages[key] = page
        self._stack.addWidget(page)
        go = Action(
            f"page.{key}",
            tr("Go to {page}", page=words),
            lambda: self.show_page(key),
            shortcut,
            icon,
            tr("Window"),
            shared=True,
        )
        self.actions_.add(go)

    def add_help(self) -> None:
        """Add the Help item at the bottom of the rail, which opens the cheat sheet."""
        item = self.rail.add_item("help", tr("Help"), "help", bottom=True)
        item.setCheckable(False)

    def add_sound_switch(self, player: SoundPlayer) -> None:
        """Add the action that mutes and unmutes `player`, and says which it did."""

        def switch() -> None:
            player.muted = not player.muted
            self.notices.post(tr("Sounds are off.") if player.muted else tr("Sounds are on."))
            player.play(Sound.ACCEPT)

        words = tr("Sounds on or off")
        self.actions_.add(Action("sounds", words, switch, "Ctrl+Shift+M", "sound", tr("Window"), shared=True))

    def show_page(self, key: str) -> None:
        """Show the page called `key` and give it the focus; "help" opens the cheat sheet."""
        if key == "help":
            self.open_cheat_sheet()
            return
        page = self._pages[key]
        self.rail.mark(key)
        self._stack.setCurrentWidget(page)
        page.setFocus()
        self.page_shown.emit(key)

    def current_page(self) -> str:
        """The key of the page shown, "" while a screen has the window alone."""
        if self._alone is not None:
            return ""
        return next((key for key, page in self._pages.items() if page is self._stack.currentWidget()), "")

    def show_alone(self, screen: QWidget | None) -> None:
        """Give the whole window to one screen (the first run), or with None back to the pages."""
        if self._alone is not None:
            self._stack.removeWidget(self._alone)
            self._alone.hide()
            self._alone.deleteLater()
        self._alone = screen
        self.rail.setVisible(screen is None)
        self.strip.setVisible(screen is None)
        if screen is not None:
            self._stack.addWidget(screen)
            self._stack.setCurrentWidget(screen)
            screen.setFocus()

    def show_strip(self, state: StripState) -> None:
        """Show `state` in the status strip."""
        self.strip.show_state(state)

    def set_badge(self, key: str, count: int) -> None:
        """Show how many things wait on the page `key`."""
        self.rail.items[key].set_badge(count)

    def set_practice(self, practice: bool) -> None:
        """Mark the window as practice, or as real."""
        self.edge.setVisible(practice)
        self.edge.raise_()
        self.setWindowTitle(tr("Callboard · practice") if practice else "Callboard")

    def open_palette(self) -> None:
        """Open the palette; what is chosen there is done when it has closed."""
        if self._begin_overlay():
            return
        palette = Palette(self.theme, self, self.actions_)
        self._overlay = palette
        self.tasks.start(self._run_palette(palette), "palette")

    def open_cheat_sheet(self) -> None:
        """Open the cheat sheet, or close it when it is open."""
        if self._begin_overlay():
            return
        self._overlay = CheatSheet(self.theme, self, self.actions_)

    def sizeHint(self) -> QSize:
        """The size that the screens are designed for."""
        return QSize(1366, 768)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep edge and notices in their places."""
        super().resizeEvent(event)
        self.edge.setGeometry(self.rect())
        self.notice_area.place()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Say that the window is going; whoever runs it stops in order. What is open over it is closed first."""
        self._begin_overlay()
        self.notices.listen(None)
        self.closing.emit()
        super().closeEvent(event)

    def _task_failed(self, name: str, error: BaseException) -> None:
        words = tr("Something went wrong in Callboard ({error}). Nothing that was confirmed is lost.", error=error)
        self.notices.post(words, NoticeKind.ERROR, sticky=True)

    def _begin_overlay(self) -> bool:
        """Close the overlay that is open; True when it was, so that the same key closes what it opened."""
        overlay, self._overlay = self._overlay, None
        if overlay is not None and overlay.open:
            overlay.finish(None)
            return True
        return False

    async def _run_palette(self, palette: Palette) -> None:
        action = await palette.closed()
        if action is not None and action.enabled():
            action.callback()

    def _build(self) -> None:
        upper = QHBoxLayout()
        upper.setSpacing(0)
        upper.addWidget(self.rail)
        upper.addWidget(self._stack, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(upper, 1)
        column.addWidget(self.strip)

    def _add_actions(self) -> None:
        group = tr("Window")
        grow, shrink = (lambda: self.theme.step_scale(1)), (lambda: self.theme.step_scale(-1))
        for action in (
            Action("palette", tr("Find an action"), self.open_palette, "Ctrl+K", "palette", group, shared=True),
            Action("keys", tr("Show all keys"), self.open_cheat_sheet, "F1", "keyboard", group, shared=True),
            Action("larger", tr("Larger text"), grow, "Ctrl++", "larger", group, shared=True),
            Action("smaller", tr("Smaller text"), shrink, "Ctrl+-", "smaller", group, shared=True),
            Action("scheme", tr("Light or dark"), self._toggle_scheme, "Ctrl+Shift+D", "dark", group, shared=True),
        ):
            self.actions_.add(action)

    def _toggle_scheme(self) -> None:
        light = self.theme.scheme is Scheme.LIGHT
        self.theme.set_appearance(Appearance.DARK if light else Appearance.LIGHT)

    def _bind_keys(self) -> None:
        """Bind the keys of the shared actions, once each."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._shortcuts = []
        for action in self.actions_.all():
            if action.shared and action.key:
                shortcut = QShortcut(QKeySequence(action.key), self)
                shortcut.setAutoRepeat(False)  # a key held down is one wish, not thirty
                shortcut.activated.connect(lambda name=action.action_id: self.actions_.run(name))
                self._shortcuts.append(shortcut)

    def _theme_changed(self) -> None:
        QApplication.setPalette(self.theme.palette())
        QApplication.setFont(self.theme.font(14))
        self.setWindowIcon(make_icon("board", self.theme.color("accent")))

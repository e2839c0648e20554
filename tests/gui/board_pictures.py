"""The pictures of the Board, of the list of slots and of paper."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QLabel, QWidget

from desktop.qt.tasks import TaskOwner
from desktop.qt.theme import Theme
from desktop.screens.board.page import BoardPage
from desktop.screens.board.records import Filter
from desktop.screens.board.viewmodel import BoardViewModel
from desktop.screens.paper.draw import FontMeasure, page_picture
from desktop.screens.paper.layout import lay_out
from desktop.screens.paper.panel import PaperPanel
from desktop.screens.paper.records import SHEETS, Kind, Size
from desktop.screens.paper.viewmodel import PaperViewModel
from desktop.screens.slots.panel import SlotPanel
from desktop.screens.slots.viewmodel import SlotsViewModel
from server_sync.protocol.records import Event, Location
from tests.gui.board_day import SampleBoard
from tests.gui.pictures import make_window
from tests.gui.sample_day import SampleDesk, sample_id, sample_strip
from tests.gui.screenshots import picture

_LONG_NAMES = (
    "Kamakawiwoʻole-Featherstonehaugh, Anastasia Wilhelmina",
    "王子涵",
    "עידן בן־דוד",
    "Γιώργος Βλάχου",
    "สมชาย ใจดีวงศ์สวัสดิ์",
    "Ñusta Quispe Mamani de la Santísima Trinidad",
)


def board_window(theme: Theme, port: SampleBoard) -> tuple[QWidget, BoardPage, BoardViewModel]:
    """Return a window that shows the Board over `port`."""
    model = BoardViewModel(port)
    page = BoardPage(theme, model, TaskOwner("board"), lambda claim: None)
    window = make_window(theme, {"board": page}, "board", sample_strip())
    return window, page, model


def busy_day() -> SampleBoard:
    """The day of the design's picture: eight rooms at 09:38."""
    port = SampleBoard(now="09:38")
    _rooms_a_to_d(port)
    _stages(port)
    for name, notes in (("Dance studio", "Mirror hall, first floor"), ("Sports hall", "Courts 1 and 2")):
        room = port.room(name, notes)
        for at in range(12):
            slot = port.slot(room, port.event("Ballet solo", "dance"), f"{9 + at // 6}:{at % 6 * 10:02d}", 10)
            claim = port.claim(slot, port.person(f"{name.split()[0]} entry {at + 1}", "Oak Hill"))
            if at < 3 or (at == 3 and name == "Sports hall"):
                port.fact(claim, "performed", f"9:{at * 10 + 8:02d}")
    return port


def _solo(port: SampleBoard, room: Location, event: Event, start: str, minutes: int, name: str, *facts: str) -> None:
    """One person in one slot, with facts as "arrived 09:20", "performed 09:14", "stage 09:33:50"."""
    slot = port.slot(room, event, start, minutes)
    if not name:
        return
    claim = port.claim(slot, port.person(name, "Lincoln Middle School", "7"))
    for words in facts:
        kind, clock = words.split()
        if kind == "stage":
            port.fact(claim, "arrived", "09:10")
            port.on_stage(room, claim, clock)
        elif kind == "arrived":
            port.fact(claim, "arrived", clock)
        elif kind == "performed":
            port.fact(claim, "performed", clock)
        else:
            port.fact(claim, "no_show", clock)


def _rooms_a_to_d(port: SampleBoard) -> None:
    piano, violin, chamber, drums = (port.event(n) for n in ("Piano solo", "Violin solo", "Chamber music", "Drums"))
    a = port.room("Room A", "Gym 1, ground floor", delay=8)
    b = port.room("Room B", "Library, first floor")
    c = port.room("Room C", "Music 2, first floor")
    d = port.room("Room D", "Drum studio, basement", delay=3)
    _solo(port, a, piano, "09:00", 15, "Nora Haddad", "performed 09:14")
    _solo(port, a, piano, "09:15", 15, "Ethan Park", "performed 09:33")
    _solo(port, a, piano, "09:30", 15, "Sofía Márquez", "stage 09:33:50")
    _solo(port, a, piano, "09:45", 15, "Kwame Boateng", "arrived 09:21")
    for start, name in (("10:00", "María López-Ruiz"), ("10:15", "Ida Nyström"), ("10:30", ""), ("10:45", "Zoë Kraus")):
        _solo(port, a, piano, start, 15, name)
    port.slot(a, piano, "11:00", 30, status="closed", reason="Judges’ break")
    for start, name in (("11:30", "Tom O’Neil"), ("11:45", "Hana Sato"), ("12:00", "Emma Lind")):
        _solo(port, a, piano, start, 15, name)
    _solo(port, b, violin, "09:00", 20, "Ben Adeyemi", "performed 09:18")
    _solo(port, b, violin, "09:20", 20, "Liam Chen", "missed 09:32")
    _solo(port, b, violin, "09:40", 20, "Ruth Katz", "stage 09:36:08")
    _solo(port, b, violin, "10:00", 20, "Ivy Moreau", "arrived 09:30")
    later = ("Ada Lindqvist", "", "Max Weber", "Priya Nair", "", "Lena Vogel")
    for at, name in enumerate(later):
        minute = 10 * 60 + 20 + at * 20
        _solo(port, b, violin, f"{minute // 60}:{minute % 60:02d}", 20, name)
    for start, name, size, done in (("09:00", "Duo Ferrer–Costa", 2, True), ("09:30", "Trio Alba", 3, False)):
        claim = port.claim(port.slot(c, chamber, start, 30, size), port.group(name, size))
        port.fact(claim, "performed" if done else "arrived", "09:28")
    _solo(port, c, chamber, "10:00", 30, "Jun Watanabe")
    nine = port.group("Quartet Nine", 4)
    claim = port.claim(port.slot(c, chamber, "10:30", 30, 4), nine)
    port.fact(claim, "arrived", "09:20", [port.person("Quartet Nine 1"), port.person("Quartet Nine 2")])
    _solo(port, c, violin, "11:00", 30, "Marco Lombardi")
    port.claim(port.slot(c, chamber, "11:30", 40, 2), port.group("Duo Ruiz–Watanabe", 2))
    _solo(port, d, drums, "09:00", 15, "Aki Virtanen", "performed 09:13")
    _solo(port, d, drums, "09:15", 15, "Leo Rossi", "performed 09:29")
    _solo(port, d, drums, "09:30", 15, "Omar Love")
    for start, name in (("09:45", "Tariq Aziz"), ("10:00", "Mei Lin")):
        _solo(port, d, drums, start, 15, name, "arrived 09:25")
    for start, name in (("10:15", ""), ("10:30", ""), ("10:45", "Ana Souza"), ("11:00", "Olu Bello")):
        _solo(port, d, drums, start, 15, name)
    port.slot(d, drums, "11:15", 30, status="closed", reason="Blocked: amp repair")
    _solo(port, d, drums, "11:45", 15, "Finn Berg")


def _stages(port: SampleBoard) -> None:
    bands, choirs, acting = port.event("Concert bands"), port.event("Choirs"), port.event("Monologues", "drama")
    hall = port.room("Auditorium", "400 seats, ground floor")
    claim = port.claim(port.slot(hall, bands, "09:00", 45, 42), port.group("Lincoln MS Band", 42))
    port.fact(claim, "performed", "09:36")
    choir = port.group("Choir of Oak Hill", 14)
    claim = port.claim(port.slot(hall, choirs, "10:00", 45, 14), choir)
    singers = [port.person(f"Choir of Oak Hill {number}") for number in range(1, 14)]
    port.fact(claim, "arrived", "09:36", singers)
    port.claim(port.slot(hall, bands, "11:00", 45, 38), port.group("St Mary’s Orchestra", 38))
    box = port.room("Black box", "Drama wing, ground floor", delay=-4)
    _solo(port, box, acting, "09:00", 25, "Monologue: J. Diaz", "performed 09:24")
    _solo(port, box, acting, "09:25", 25, "Monologue: E. Roy", "stage 09:31:29")
    _solo(port, box, acting, "09:50", 25, "Monologue: S. Kim", "arrived 09:30")
    scene = port.group("Scene: Park & Ito", 2)
    claim = port.claim(port.slot(box, acting, "10:15", 25, 2), scene)
    port.fact(claim, "arrived", "09:31", [port.person("Scene: Park & Ito 1")])
    _solo(port, box, acting, "10:40", 25, "Monologue: F. Ali")
    port.claim(port.slot(box, acting, "11:05", 25, 3), port.group("Scene: Ode Trio", 3))
    _solo(port, box, acting, "11:30", 40, "")


def large_day(rooms: int, hours: int = 10, now: str = "12:40") -> SampleBoard:
    """Many rooms from 08:00 on: talks, solos, rounds of several, overlaps, free and blocked slots."""
    port = SampleBoard("A large festival", now=now)
    for number in range(1, rooms + 1):
        room = port.room(f"Hall {number}", f"Building {number % 5 + 1}", delay=number % 7 - 2 if number % 3 else 0)
        event = port.event(f"Class {number % 12 + 1}")
        minute = 8 * 60
        for at in range(hours * 60 // 20):
            start = f"{minute // 60}:{minute % 60:02d}"
            name = f"Competitor {number}.{at + 1}"
            if at % 9 == 8:
                port.slot(room, event, start, 20, status="closed", reason="Break")
            elif at % 11 == 10:
                port.slot(room, event, start, 20)
            elif at % 7 == 6:
                talk = port.event(f"On the art of being number {number}.{at}", "talk")
                port.claim(port.slot(room, talk, start, 40), port.person(name))
            else:
                claim = port.claim(port.slot(room, event, start, 20), port.person(name))
                if minute < 12 * 60 + 20:
                    port.fact(claim, "no_show" if (at + number) % 13 == 0 else "performed", start)
                elif (at + number) % 3:
                    port.fact(claim, "arrived", "12:05")
            minute += 20
    return port


def long_names_day() -> SampleBoard:
    """Names that do not fit, in scripts of all kinds; rounds of several; lanes side by side."""
    port = SampleBoard(now="09:38")
    ride = port.event("An event with a title so long that nobody can say it in one breath", "talk")
    spelling = port.event("Spelling bee", "academic")
    for number in range(4):
        room = port.room(f"The {'very ' * number}grand ballroom", "Down the stairs", delay=number * 30)
        for at, name in enumerate(_LONG_NAMES):
            _solo(port, room, port.event("Harp"), f"{9 + at // 4}:{at % 4 * 15:02d}", 10 if number == 3 else 15, name)
        if number < 2:
            for start, minutes in (("10:30", 60), ("10:45", 30), ("11:15", 45)):
                port.claim(port.slot(room, ride, start, minutes), port.person(_LONG_NAMES[number]))
        round_ = port.slot(room, spelling, "12:00" if number < 2 else "10:30", 60, 8)
        for at in range(5 + number):
            claim = port.claim(round_, port.person(f"Speller {number}.{at} of the long name society"))
            if at % 2:
                port.pending.update(fact.id for fact in port.fact(claim, "arrived", "09:31"))
    return port


@picture("board-busy")
def board_busy(theme: Theme) -> QWidget:
    """The design's own picture."""
    return board_window(theme, busy_day())[0]


@picture("board-loading")
def board_loading(theme: Theme) -> QWidget:
    """Nothing has arrived yet."""
    port = SampleBoard()
    port.state.rows.clear()
    return board_window(theme, port)[0]


@picture("board-empty")
def board_empty(theme: Theme) -> QWidget:
    """A programme without slots."""
    return board_window(theme, SampleBoard())[0]


@picture("board-many-rooms")
def board_many_rooms(theme: Theme) -> QWidget:
    """Forty rooms at noon."""
    return board_window(theme, large_day(40))[0]


@picture("board-late")
def board_late(theme: Theme) -> QWidget:
    """Only who is late is bright."""
    window, _page, model = board_window(theme, busy_day())
    model.stress(filter=Filter.LATE)
    return window


@picture("board-large-text", scale=2.0)
def board_large_text(theme: Theme) -> QWidget:
    """Twice the text size."""
    return board_window(theme, busy_day())[0]


@picture("board-long-names")
def board_long_names(theme: Theme) -> QWidget:
    """Names that do not fit."""
    return board_window(theme, long_names_day())[0]


@picture("slots-move")
def slots_move(theme: Theme) -> QWidget:
    """The list of slots for a move, over the Board."""
    window, _page, _model = board_window(theme, busy_day())
    window.resize(1366, 768)
    window.show()
    SlotPanel(theme, window, "Move Omar Love to…", SlotsViewModel(SampleDesk(), sample_id("Omar Love")))
    return window


@picture("slots-large-text", scale=2.0)
def slots_large_text(theme: Theme) -> QWidget:
    """The same at twice the text size."""
    return slots_move(theme)


@picture("paper-panel")
def paper_panel(theme: Theme) -> QWidget:
    """What to print, with a preview."""
    port = busy_day()
    port.waiting = 2
    port.fresh = port.moment("09:31")
    window, _page, _model = board_window(theme, port)
    window.resize(1366, 768)
    window.show()
    PaperPanel(theme, window, PaperViewModel(port))
    return window


@picture("paper-panel-large-text", scale=2.0)
def paper_panel_large_text(theme: Theme) -> QWidget:
    """The same at twice the text size."""
    return paper_panel(theme)


@picture("paper-rooms")
def paper_rooms(theme: Theme) -> QWidget:
    """The first sheet of the room lists."""
    return _sheet(busy_day(), Kind.ROOMS, codes=False)


@picture("paper-people")
def paper_people(theme: Theme) -> QWidget:
    """The first sheet of everybody by name, with codes and long names."""
    return _sheet(long_names_day(), Kind.PEOPLE, codes=True)


def _sheet(port: SampleBoard, kind: Kind, codes: bool) -> QWidget:
    """The upper part of a sheet as wide as a picture."""
    model = PaperViewModel(port)
    width, height = SHEETS[Size.A4]
    pages = lay_out(model.document(kind, model.today()), width, height, FontMeasure(), codes)
    label = QLabel()
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setPixmap(QPixmap.fromImage(page_picture(pages[0], width, height, 1366)))
    return label

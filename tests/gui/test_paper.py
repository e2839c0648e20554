"""What is printed of a day, and where it stands: as words and numbers, without Qt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.screens.paper.layout import MARGIN, Code, Page, Rule, Text, Tick, lay_out
from desktop.screens.paper.records import SHEETS, Column, Kind, PaperDocument, PaperRow, PaperSection, Size
from desktop.screens.paper.viewmodel import PaperViewModel
from tests.gui.board_day import SampleBoard
from tests.gui.board_pictures import busy_day


class Typewriter:
    """A measure whose letters are all 0.55 of their size wide; it breaks anywhere."""

    def lines(self, text: str, size: float, bold: bool, width: float) -> list[str]:
        """As `Measure` says."""
        most = max(1, int(width / (size * 0.55)))
        return [text[at : at + most] for at in range(0, len(text), most)] or [""]


def rows_of(document: PaperDocument, title: str) -> list[PaperRow]:
    """The rows of the section whose title begins so."""
    return [row for section in document.sections if section.title.startswith(title) for row in section.rows]


@pytest.fixture
def port() -> SampleBoard:
    """The day of the design's picture."""
    return busy_day()


def test_room_lists_are_by_room_and_time_with_everything_to_tick(port: SampleBoard) -> None:
    model = PaperViewModel(port)
    document = model.document(Kind.ROOMS, model.today())
    titles = [section.title for section in document.sections]
    assert titles[:3] == ["Room A — Gym 1", "Room B — Library", "Room C — Music 2"]
    rows = rows_of(document, "Room A")
    assert [row.cells[0] for row in rows] == sorted(row.cells[0] for row in rows)
    assert [(row.cells[1], row.ticked) for row in rows][:9] == [
        ("Nora Haddad", True),
        ("Ethan Park", True),
        ("Sofía Márquez", True),
        ("Kwame Boateng", True),
        ("María López-Ruiz", False),
        ("Ida Nyström", False),
        ("free", False),
        ("Zoë Kraus", False),
        ("Judges’ break", None),
    ]
    kwame = rows[3]
    assert kwame.cells[4] == "09:21"
    assert kwame.code == "CB" + kwame.cells[3].replace("-", "")
    assert rows[6].blank
    choir = next(row for row in rows_of(document, "Auditorium") if row.cells[1] == "Choir of Oak Hill")
    assert choir.small == "13 of 14 here"


def test_people_are_by_name_and_each_member_of_a_group_is_there(port: SampleBoard) -> None:
    model = PaperViewModel(port)
    document = model.document(Kind.PEOPLE, model.today())
    assert [section.title for section in document.sections] == sorted(section.title for section in document.sections)
    assert [row.cells[0] for row in rows_of(document, "O")] == ["Olu Bello", "Omar Love"]
    assert "Zoë Kraus" in [row.cells[0] for row in rows_of(document, "Z")]
    singers = {row.cells[0]: row for row in rows_of(document, "C") if row.cells[0].startswith("Choir of Oak Hill ")}
    assert len(singers) == 14
    assert singers["Choir of Oak Hill 3"].ticked
    assert singers["Choir of Oak Hill 3"].cells[5] == "09:36"
    assert not singers["Choir of Oak Hill 14"].ticked
    assert singers["Choir of Oak Hill 14"].small == "Choir of Oak Hill"


def test_two_people_of_one_name_stay_two(port: SampleBoard) -> None:
    room, event = port.room("Room Z"), port.event("Harp")
    one = port.person("William Smith", "Oak Hill")
    port.claim(port.slot(room, event, "09:00", 15), one)
    port.claim(port.slot(room, event, "10:00", 15), one)
    port.claim(port.slot(room, event, "11:00", 15), "William Smith")
    model = PaperViewModel(port)
    rows = [row for row in rows_of(model.document(Kind.PEOPLE, model.today()), "W") if row.cells[2] == "Room Z"]
    assert [row.cells[0] for row in rows] == ["William Smith"] * 3  # each with its name: a page may begin with any


def test_a_list_says_how_fresh_it_is_and_what_is_not_sent(port: SampleBoard) -> None:
    model = PaperViewModel(port)
    assert model.document(Kind.ROOMS, model.today()).facts == (
        "Printed Saturday 14 March, 09:38", "Up to date when printed", "Everything sent",
    )  # fmt: skip
    port.fresh = port.moment("08:31")
    port.waiting = 5
    assert model.document(Kind.ROOMS, model.today()).facts[1:] == (
        "As of 08:31, 1 h 07 before printing", "5 actions of this desk not sent yet",
    )  # fmt: skip


def test_a_day_without_slots_is_a_page_that_says_so() -> None:
    model = PaperViewModel(SampleBoard())
    pages = lay_out(model.document(Kind.ROOMS, model.today()), *SHEETS[Size.A4], Typewriter())
    assert len(pages) == 1
    assert any("Nobody" in item.text for item in pages[0].items if isinstance(item, Text))


def document_of(sections: list[list[str]]) -> PaperDocument:
    """A document whose rows bear these names."""
    columns = (Column("Name", 3, True), Column("Code", 1))
    made = tuple(
        PaperSection(
            f"Room {at}", "", tuple(PaperRow((name, "RSV-1"), code="CBRSV1", small="x" * 70) for name in names)
        )
        for at, names in enumerate(sections)
    )
    return PaperDocument(Kind.ROOMS, "Day", "Rooms", ("Printed",), "foot", columns, 0, made, "nobody")


def bottom(item: object) -> float:
    """Where an item ends."""
    if isinstance(item, Text):
        return item.y + item.size
    assert isinstance(item, Rule | Tick | Code)
    return item.y + (item.weight if isinstance(item, Rule) else item.side)


def words_of(page: Page) -> list[str]:
    """The texts on a page."""
    return [item.text for item in page.items if isinstance(item, Text)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 400).map(lambda length: "n" * length), min_size=1, max_size=60), max_size=5),
    st.sampled_from(list(Size)),
    st.booleans(),
)
def test_nothing_is_lost_or_printed_over_the_edge(names: list[list[str]], size: Size, codes: bool) -> None:
    document = document_of(names)
    width, height = SHEETS[size]
    pages = lay_out(document, width, height, Typewriter(), codes)
    printed = [row for page in pages for row in page.rows]
    assert printed == [row for section in document.sections for row in section.rows]
    for at, page in enumerate(pages, 1):
        assert all(bottom(item) <= height - MARGIN + 1 for item in page.items)
        assert sum(isinstance(item, Code) for item in page.items) == (len(page.rows) if codes else 0)
        assert sum(isinstance(item, Tick) for item in page.items) == len(page.rows)
        assert f"{at} / {len(pages)}" in words_of(page)


def test_heads_come_again_where_a_room_goes_on() -> None:
    pages = lay_out(document_of([["somebody"] * 90]), *SHEETS[Size.LETTER], Typewriter())
    assert len(pages) > 1
    for page in pages[1:]:
        words = words_of(page)
        assert words[:3] == ["Day", "Rooms", "Printed"]
        assert "Room 0 …" in words
        assert "Name" in words


def test_a_room_does_not_begin_at_the_foot_of_a_page() -> None:
    for count in range(20, 40):
        pages = lay_out(document_of([["somebody"] * count, ["somebody else"]]), *SHEETS[Size.A4], Typewriter())
        for page in pages:
            titles = [item.y for item in page.items if isinstance(item, Text) and item.text.startswith("Room ")]
            ticks = [item.y for item in page.items if isinstance(item, Tick)]
            assert max(ticks) > max(titles)

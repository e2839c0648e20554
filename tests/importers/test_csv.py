"""People and schedules as CSV: what organisers really send, with each doubt at its line."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from server_sync.importers import Defaults, read_all
from server_sync.protocol.imports import Import, group_members, summary
from tests.importers.documents import codes, imported, refusal, with_code

DAY = Defaults(name="Day", time_zone="Europe/London", date=date(2026, 3, 14))


# ----------------------------------------------------------------- people


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_line_ends_and_marks(delimiter: str, end: str, mark: str) -> None:
    rows = [["First Name", "SURNAME", "Organisation"], ["Zoë", "Krüger", "Oak Hill"], [], ["", "", ""], ["Ada", "", ""]]
    document = imported("x.csv", mark + end.join(delimiter.join(row) for row in rows) + end)
    assert [(p.first_name, p.last_name, p.school) for p in document.people] == [
        ("Zoë", "Krüger", "Oak Hill"),
        ("Ada", "", ""),
    ]
    assert document.problems == ()
    assert document.people[1].place.line == 5


def test_quoted_cells_hold_delimiters_and_lines() -> None:
    document = imported("x.csv", 'sep=;\nname;school\n"O""Neil; Tom";"Oak\nHill"\nAda;Riverside\n')
    assert [(p.display_name, p.school, p.place.line) for p in document.people] == [
        ('O"Neil; Tom', "Oak Hill", 3),
        ("Ada", "Riverside", 5),
    ]


def test_a_quote_left_open_swallows_nothing() -> None:
    document = imported("x.csv", 'name,school\nAda,Oak Hill\nBen,"Riverside\nCleo,Oak Hill\nDan,Oak Hill\n')
    assert [person.display_name for person in document.people] == ["Ada", "Ben", "Cleo", "Dan"]
    assert with_code(document, "open_quote")[0].place.line == 3


def test_each_doubt_has_its_line() -> None:
    document = imported(
        "roster.csv",
        "id,name,school,age,shoe size,group\n"
        "1,William Smith,Oak Hill,12,38,Choir\n"
        "1,William Smith,Oak Hill,12,38,Choir\n"  # 3: twice
        "1,Ana Souza,Riverside,11,,\n"  # 4: same id
        ",,,12,,\n"  # 5: no name
        '2,"O\'Neil, Tom",Oak Hill,none,,Choir\n'  # 6: both names, age
        "3,Ben,Riverside\n"  # 7: short
        "4,Cleo,Riverside,10,36,,stray,cells\n"  # 8: long
        ",Dan,Oak Hill,9,,\n"
        ",Dan,Oak Hill,9,,\n"  # 10: same name and school
        ",Dan,Riverside,9,,\n",
    )
    assert [(p.severity, p.code, p.place.line) for p in document.problems] == [
        ("doubtful", "short_row", 7),
        ("doubtful", "long_row", 8),
        ("note", "unknown_columns", 1),
        ("doubtful", "twice", 3),
        ("doubtful", "same_id", 4),
        ("refused", "no_name", 5),
        ("doubtful", "both_names", 6),
        ("doubtful", "age", 6),
        ("doubtful", "same_name", 10),
    ]
    assert [person.key for person in document.people] == [
        *("1", "1#2", "2", "3", "4", "name:dan|oak hill", "name:dan|oak hill#2", "name:dan|riverside"),
    ]
    assert document.people[0].metadata == {"shoe size": "38"}
    assert document.people[4].metadata == {"shoe size": "36", "more cells": "stray,cells"}
    assert group_members(document) == {"Choir": ("1", "2")}
    assert document.groups[0].school == "Oak Hill"


def test_formulas_stay_text() -> None:
    cell = '=HYPERLINK("http://evil.example","x")'
    document = imported("x.csv", f'name,note\n"{cell.replace(chr(34), chr(34) * 2)}",@SUM(1+1)\n+49 30,-1\n')
    assert document.people[0].display_name == cell
    assert document.people[0].metadata == {"note": "@SUM(1+1)"}
    assert document.people[1].display_name == "+49 30"


def test_huge_fields() -> None:
    document = imported("x.csv", f"id,name,note\n{'9' * 5000},{'N' * 5000},{'x' * 500_000}\n")
    person = document.people[0]
    assert person.key.startswith("sha256:")
    assert len(person.display_name) == 500
    assert len(person.metadata["note"]) == 500_000


def test_contacts_are_kept_where_only_admins_look() -> None:
    document = imported(
        "x.csv", "name,E-mail,Guardian phone,Emergency contact,diet\nAda,a@example.org,0123,Bob,vegan\n"
    )
    assert document.people[0].contact == "E-mail: a@example.org, Guardian phone: 0123, Emergency contact: Bob"
    assert document.people[0].metadata == {"diet": "vegan"}


def test_an_id_column_is_found_only_where_it_is_one() -> None:
    complete = imported("x.csv", "name,team_id,badge_id\nAda,7,a\nBen,7,b\n")
    assert [person.external_id for person in complete.people] == ["a", "b"]
    assert codes(complete)["id_column"] == 1
    holes = imported("x.csv", "name,badge_id\nAda,a\nBen,\n")
    assert [person.external_id for person in holes.people] == [None, None]


def test_a_list_without_a_header_is_refused_with_words() -> None:
    problem = refusal("x.csv", "Ada,Lovelace\nBen,Adeyemi\n")
    assert problem.code == "no_header"
    assert "Ada, Lovelace" in problem.reason


# --------------------------------------------------------------- schedules


def test_one_file_holds_everything() -> None:
    document = imported(
        "day.csv",
        "event,category,room,building,start,end,slot_minutes,slot_capacity,slot,person,group,entry,notes\n"
        "Piano,music,Room A,Main,09:00,10:00,15,1,1,Ada,,,\n"
        "Piano,,Room A,,09:00,10:00,,,2,Ben,,,needs a low chair\n"
        "Chamber,Music,Room B,Main,9:30 am,10:30 am,30,3,1,Cleo; Dan,,Duo Alba,\n"
        "Night walk,hiking,Room A,,23:00,00:30,,20,,,Owls,,\n"
        ",,Cellar,Wing,,,,,,,,,\n",
        DAY,
    )
    assert summary(document).rooms == 3
    assert summary(document).events == 3
    piano, chamber, walk = document.blocks
    assert (piano.slot_count, piano.slot_capacity, chamber.slot_count, walk.slot_count) == (4, 1, 2, 1)
    assert (walk.start, walk.end) == (datetime(2026, 3, 14, 23, tzinfo=UTC), datetime(2026, 3, 15, 0, 30, tzinfo=UTC))
    assert [(c.block == piano.key, c.slot, c.people, c.group, c.name) for c in document.claims] == [
        (True, 1, ("name:ada",), None, ""),
        (True, 2, ("name:ben",), None, ""),
        (False, 1, ("name:cleo", "name:dan"), None, "Duo Alba"),
        (False, 1, (), "Owls", ""),
    ]
    assert document.claims[1].notes == "needs a low chair"
    assert codes(document) == {"category": 1}
    assert document.events[2].metadata == {"category": "hiking"}


def test_what_a_schedule_can_not_say_is_refused_at_its_line() -> None:
    document = imported(
        "day.csv",
        "block,event,room,date,start,end,slot_minutes,slot_capacity,slot,person_id\n"
        "P,Piano,Room A,2026-03-14,09:00,10:00,15,1,1,p1\n"
        "P,,,,,,,,1,p2\n"  # 3: slot full
        "P,,,,,,,,9,p2\n"  # 4: no such slot
        "P,,,,,,,,,p2\n"  # 5: which slot
        "P,,,,,,,,two,p2\n"  # 6: no number
        "Q,,,,,,,,1,p2\n"  # 7: no such block
        ",Choir,Room A,2026-03-14,soon,11:00,,,,\n"  # 8: no time
        ",Choir,,2026-03-14,10:00,11:00,,,,\n"  # 9: no room
        ",Choir,Room A,14th,10:00,11:00,,,,\n"  # 10: no date
        ",Choir,Room A,2026-03-14,,,,,,\n"  # 11: no start
        ",Choir,Room A,2026-03-14,10:00,,,,,\n"  # 12: no end
        "P,Other,Room A,2026-03-14,09:00,10:00,15,1,2,p3\n",  # 13: says other things of P
    )
    assert sorted((p.place.line, p.severity, p.code) for p in document.problems if p.code != "time_zone") == [
        (3, "refused", "slot_full"),
        (4, "refused", "no_slot"),
        (5, "refused", "no_slot"),
        (6, "refused", "no_slot"),
        (7, "refused", "no_block"),
        *((line, "refused", "incomplete") for line in range(8, 13)),
        (13, "doubtful", "same_block"),
    ]
    assert [(claim.slot, claim.people) for claim in document.claims] == [(1, ("p1",)), (2, ("p3",))]


def test_clashes_come_in_with_a_waiver() -> None:
    document = imported(
        "day.csv",
        "event,room,start,end,slot_minutes,slot,person_id\n"
        "A,Room A,09:00,10:00,30,1,p1\n"
        "B,Room A,09:30,10:00,,1,p1\n"  # the room, not the person: p1 is done by 9:30
        "C,Room B,09:15,09:45,,1,p1\n",  # the person, twice
        DAY,
    )
    assert [(problem.place.line, problem.code) for problem in document.problems] == [
        (3, "room_overlap"),
        (4, "person_overlap"),
        (3, "person_overlap"),
    ]
    assert "09:00 to 10:00" in document.problems[0].reason
    assert [bool(block.waiver) for block in document.blocks] == [False, True, False]
    assert [bool(claim.waiver) for claim in document.claims] == [False, True, True]


def test_times_are_local_to_the_zone() -> None:
    summer = Defaults(time_zone="Europe/London", date=date(2026, 7, 1))
    text = "event,room,start,duration\nA,R,09:00,1:30\nB,R,2026-07-01T12:00+02:00,30\nC,R,25:30,30\n"
    document = imported("x.csv", text, summer)
    assert [f"{block.start:%d %H:%M}" for block in document.blocks] == ["01 08:00", "01 10:00", "02 00:30"]
    skipped = imported("x.csv", "event,room,date,start,duration\nA,R,29.3.2026,01:30,30\n", summer)
    assert codes(skipped) == {"skipped_hour": 1}
    unsure = imported("x.csv", "event,room,date,start,duration\nA,R,04/03/2026,01:30,30\n", summer)
    assert codes(unsure) == {"date": 1}
    assert unsure.blocks[0].start.month == 3


def test_files_read_together_complete_one_another() -> None:
    files = [
        ("people.csv", b"id,name,group\np1,Ada,\np2,Ben,Duo\np3,Cleo,Duo\np4,Dan,\np5,Dan,\n"),
        ("blocks.csv", b"block,event,room,start,end,slot_minutes,slot_capacity\nX,A,R,09:00,10:00,30,2\n"),
        ("claims.csv", b"block,slot,person_id,person,group\nX,1,p1,Adah,\nX,1,,ada,\nX,2,,,Duo\nX,2,p9,,\nX,1,,Dan,\n"),
    ]
    document = read_all(files, DAY)
    assert isinstance(document, Import)
    assert document.format == "several"
    assert [(claim.slot, claim.people, claim.group) for claim in document.claims] == [
        (1, ("p1",), None),
        (2, (), "Duo"),
        (1, ("name:dan",), None),
    ]
    assert [(p.code, p.place.file, p.place.line) for p in document.problems] == [
        ("several_ids", "claims.csv", 6),  # two Dans: which?
        ("several_names", "claims.csv", 2),  # Adah is Ada
        ("twice_in_slot", "claims.csv", 3),  # ada is p1 too
        ("slot_full", "claims.csv", 5),
    ]
    reference = next(person for person in document.people if person.key == "p9")
    assert reference.display_name == ""
    assert read_all(files, DAY) == document


def test_the_capacity_of_a_block_that_is_one_slot_is_the_slots() -> None:
    document = imported(
        "day.csv",
        "event,room,start,end,slot_minutes,slot_capacity,capacity\n"
        "Late show,Barn,2026-03-14 20:00,2026-03-14 22:00,,,100\n"
        "Piano,Hall,2026-03-14 09:00,2026-03-14 10:00,10,,3\n"
        "Talk,Gym,2026-03-14 09:00,2026-03-14 10:00,,5,8\n",
        DAY,
    )
    assert [(block.slot_capacity, block.max_capacity) for block in document.blocks] == [(100, 100), (1, 3), (5, 8)]

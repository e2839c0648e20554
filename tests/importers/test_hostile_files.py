"""Damaged, wrong and malicious files: always an answer with words, never a crash, never a lost line."""

from __future__ import annotations

import gzip
import io
import time
import zipfile

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server_sync.importers import csv_schedule, read
from server_sync.protocol.imports import Import, ImportRefused, summary
from tests.importers.documents import codes, imported, refusal, with_code

FRAB = """<?xml version="1.0" encoding="UTF-8"?>
<schedule>
 <conference><title>Fête</title><time_zone_name>Europe/Paris</time_zone_name></conference>
 <day date="2026-03-14" start="2026-03-14T09:00:00+01:00">
  <room name="Grande salle">
   <event id="1"><title>Ouverture</title><date>2026-03-14T09:00:00+01:00</date><duration>00:30</duration>
    <persons><person id="7">Zoë Krüger</person></persons></event>
   <event id="2"><title>Late show</title><start>01:30</start><duration>0:45</duration></event>
   <event id="3"><title>No length</title><start>10:00</start><duration>soon</duration></event>
   <event id="4"><title></title><start>11:00</start><duration>1:00</duration></event>
  </room>
  <room name=""><event id="5"><title>Nowhere</title><start>12:00</start><duration>1:00</duration></event></room>
  <room/>
  <room name="Cellar"/>
 </day>
</schedule>
"""
CALENDAR = (
    "BEGIN:VCALENDAR\r\nX-WR-CALNAME:Fête\r\n"
    "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Opening\\, with a very lo\r\n ng title\r\n"
    "DTSTART;TZID=W. Europe Standard Time:20260314T090000\r\nDURATION:PT30M\r\nLOCATION:Hall\r\n"
    'ATTENDEE;CN="Krüger, Zoë":mailto:zoe@example.org\r\nEND:VEVENT\r\n'
    "BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:No room\r\nDTSTART:20260314T100000Z\r\nDTEND:20260314T110000Z\r\nEND:VEVENT\r\n"
    "BEGIN:VEVENT\r\nUID:3\r\nSUMMARY:Off\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n"
    "this is no line\r\n"
    "BEGIN:VEVENT\r\nUID:4\r\nSUMMARY:Weekly\r\nRRULE:FREQ=WEEKLY\r\nDTSTART:20260314T100000Z\r\n"
    "DTEND:20260314T110000Z\r\nLOCATION:Hall\r\nBEGIN:VALARM\r\nSUMMARY:not the title\r\nEND:VALARM\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)
JSON = """{"schedule": {"conference": {"title": "Con", "time_zone_name": "Europe/Berlin", "days": [
  {"date": "2026-03-14", "day_start": "2026-03-14T09:00:00+01:00", "rooms": {
    "Hall": [{"id": 1, "title": "A", "start": "10:00", "duration": "00:30",
              "persons": [{"id": 7, "name": "Zoë"}, "Max"]},
             {"id": 2, "title": "B", "date": "2026-03-14T10:15:00+01:00", "duration": "00:30", "persons": [{"id": 7}]},
             "no talk", {"id": 3, "title": "C"}],
    "": [], "Empty": []}}, 5]}}}"""


def test_frab_says_what_it_left_out() -> None:
    document = imported("x.xml", FRAB)
    assert [event.name for event in document.events] == ["Ouverture", "Late show"]
    assert [room.name for room in document.rooms] == ["Grande salle", "Cellar"]
    late = document.blocks[1]
    assert f"{late.start:%Y-%m-%d %H:%M}" == "2026-03-15 00:30"  # half past one in Paris, the next morning
    refused = {problem.subject: (problem.place.line, problem.reason) for problem in document.problems}
    assert refused["No length"] == (9, "it has no end or duration that can be read")
    assert refused["(no title)"] == (10, "it has no title")
    assert refused["Nowhere"] == (12, "it has no room")
    assert codes(document)["nameless_room"] == 1
    assert summary(document).refused == 3


def test_calendar_without_zones_and_with_broken_lines() -> None:
    document = imported("x.ics", CALENDAR)
    assert [event.name for event in document.events] == ["Opening, with a very long title", "Weekly"]
    opening = document.blocks[0]
    assert f"{opening.start:%H:%M} {opening.end:%H:%M}" == "08:00 08:30"
    assert document.schedule is not None
    assert document.schedule.time_zone == "Europe/Berlin"
    speaker = document.people[0]
    assert (speaker.display_name, speaker.contact) == ("Krüger, Zoë", "zoe@example.org")
    assert "zoe" not in speaker.key
    assert {p.subject: p.place.line for p in document.problems} == {
        "No room": 12,
        "Off": 18,
        "this is no line": 23,
        "Weekly": 24,
    }


def test_schedule_json_with_holes() -> None:
    document = imported("x.json", JSON)
    assert [event.name for event in document.events] == ["A", "B"]
    assert [room.name for room in document.rooms] == ["Hall", "Empty"]
    assert [(person.key, person.display_name) for person in document.people] == [("7", "Zoë"), ("name:max", "Max")]
    assert codes(document) == {
        "not_a_talk": 1,
        "incomplete": 1,
        "nameless_room": 1,
        "empty_day": 1,
        "room_overlap": 1,
        "person_overlap": 1,
    }
    assert with_code(document, "incomplete")[0].place.path == "days/0/rooms/Hall/3"
    assert [bool(claim.waiver) for claim in document.claims] == [False, False, True]


LAUGHS = '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(ord("a") + n)} "{("&" + chr(ord("a") + n - 1) + ";") * 10}">' for n in range(1, 10)
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS + "]><schedule><conference><title>&j;</title></conference></schedule>",
        '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><schedule>&x;</schedule>',
        '<!DOCTYPE s SYSTEM "http://127.0.0.1:1/evil.dtd"><schedule/>',
        "<schedule>&undefined;</schedule>",
    ],
)
def test_no_entity_is_ever_expanded(text: str) -> None:
    start = time.perf_counter()
    problem = refusal("x.xml", text)
    assert time.perf_counter() - start < 1
    assert problem.code == "bad_xml"
    assert problem.place.line == 1


@pytest.mark.parametrize(("name", "text"), [("x.xml", FRAB), ("x.json", JSON)])
def test_cut_short_anywhere_is_refused_with_its_place(name: str, text: str) -> None:
    data = text.encode().rstrip()
    for length in range(20, len(data), 37):
        problem = refusal(name, data[:length])
        assert problem.code in ("bad_xml", "bad_json")
        assert problem.place.line is not None
        assert problem.place.line >= data[:length].count(b"\n")
        assert problem.place.column is not None


def test_a_calendar_cut_short_keeps_its_whole_events() -> None:
    document = imported("x.ics", CALENDAR[: CALENDAR.index("UID:4") + 30])
    assert [event.name for event in document.events] == ["Opening, with a very long title"]
    assert [problem.place.line for problem in with_code(document, "cut_short")] == [24]


def test_nested_without_end() -> None:
    assert refusal("x.json", '{"a":' + "[" * 100_000).code == "bad_json"
    assert refusal("x.json", '{"a":' * 200 + "1" + "}" * 200).code == "bad_json"
    assert refusal("x.json", '{"a":' + "9" * 10_000 + "}").code == "bad_json"
    assert refusal("x.xml", "<schedule>" * 100_000).code == "bad_xml"


def zipped() -> bytes:
    """A zip archive with a CSV file in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("people.csv", (2026, 5, 2, 12, 0, 0)), "name\nAda\n")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped(), "zip archive"),
        (gzip.compress(b"name\nAda\n", mtime=0), "gzip"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"", "empty"),
        (b" \r\n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"<rss></rss>", "<rss>"),
        (b"[]", "no schedule"),
        (b"just a line of text", "names no column"),
        (b"\x00\x01\x02\x03\x04", "empty"),
    ],
)
def test_wrong_types_are_named(data: bytes, words: str) -> None:
    assert words in refusal("file", data).reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_unicode_encoding_is_read(encoding: str) -> None:
    people = imported("x.csv", "name,school\r\nZoë Krüger,Gymnasium\r\n佐藤 花,高校\r\n".encode(encoding))
    assert [person.display_name for person in people.people] == ["Zoë Krüger", "佐藤 花"]
    frab = imported("x.xml", FRAB.replace(' encoding="UTF-8"', "").encode(encoding))
    assert frab.people[0].display_name == "Zoë Krüger"
    assert imported("x.ics", CALENDAR.encode(encoding)).people[0].display_name == "Krüger, Zoë"
    assert imported("x.json", JSON.encode(encoding)).people[0].display_name == "Zoë"


def test_wrong_encodings_are_doubtful() -> None:
    document = imported("x.csv", "name,school\nAda,Oak Hill\nZoë Krüger,Gymnasium\n".encode("cp1252"))
    assert document.people[1].display_name == "Zoë Krüger"
    assert [(p.severity, p.place.line) for p in with_code(document, "encoding")] == [("doubtful", 3)]
    lying = imported("x.xml", FRAB.encode("cp1252"))  # it says UTF-8
    assert lying.people[0].display_name == "Zoë Krüger"
    assert codes(lying)["encoding"] == 1
    honest = imported("x.xml", FRAB.replace("UTF-8", "ISO-8859-1").encode("latin-1"))
    assert honest.people[0].display_name == "Zoë Krüger"
    assert codes(honest)["encoding"] == 0


def test_nul_bytes_are_taken_out_and_said() -> None:
    document = imported("x.csv", b"name,school\nA\x00da,Oak\x07 Hill\n")
    assert (document.people[0].display_name, document.people[0].school) == ("Ada", "Oak Hill")
    assert with_code(document, "control_characters")[0].place.line == 2
    escaped = imported("x.json", JSON.replace('"title": "A"', '"title": "A\\u0000\\ud800"'))
    assert escaped.events[0].name == "A"


def text_of(document: Import | ImportRefused) -> str:
    """All texts of a document in one."""
    return msgspec.json.encode(document).decode()


START = st.sampled_from(
    [
        b"",
        b"<schedule><day><room name='a'><event>",
        b'{"schedule":{"conference":{"days":[',
        b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
        b"name,id,age\n",
        b"event;room;start;end;slot;person\n",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
    ]
)


@settings(max_examples=300, deadline=None)
@given(START, st.binary(max_size=400))
def test_no_bytes_crash_a_reader(start: bytes, rest: bytes) -> None:
    text_of(read("x", start + rest))


CALENDAR_LINES = """\
BEGIN:VEVENT
END:VEVENT
BEGIN:VALARM
END:VCALENDAR
SUMMARY:a
LOCATION:r
UID:1
 folded
DTSTART:20260314T090000Z
DTSTART;TZID=Europe:99999999T000000
DTSTART;VALUE=DATE:20260314
DTSTART;TZID=Mars/Base:00010101T000000
DTEND:20260314T080000
DURATION:P9999D
DURATION:PT1H
DTEND;TZID=Europe/London:20260329T013000
ATTENDEE:mailto:
ATTENDEE;CN=x:y
RRULE:
CATEGORIES:,a,"""


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(CALENDAR_LINES.split("\n"))))
def test_no_calendar_crashes(lines: list[str]) -> None:
    text_of(read("x", "\n".join(["BEGIN:VCALENDAR", *lines]).encode()))


LEAF = st.sampled_from(["", "a", "2026-03-14", "0001-01-01T00:00:00+01:00", "10:00", "9999:99", "-1", None, True, 7])
FIELD = st.sampled_from(["id", "guid", "title", "name", "date", "start", "duration", "room", "persons", "track", ""])
VALUE = LEAF | st.lists(LEAF, max_size=2) | st.lists(st.dictionaries(FIELD, LEAF, max_size=3), max_size=3)
TALK = st.dictionaries(FIELD, VALUE, max_size=8)
ROOMS = st.dictionaries(st.sampled_from(["", "R", "S"]), st.lists(TALK | VALUE, max_size=3) | VALUE, max_size=2)
DAY = st.fixed_dictionaries({"date": LEAF, "day_start": LEAF, "rooms": ROOMS | VALUE}) | VALUE
FACTS = st.dictionaries(st.sampled_from(["title", "start", "time_zone_name", "rooms"]), VALUE)


@settings(max_examples=200, deadline=None)
@given(st.lists(DAY, max_size=3), FACTS)
def test_no_json_crashes(days: list[object], facts: dict[str, object]) -> None:
    text_of(read("x", msgspec.json.encode({"schedule": {"conference": {"days": days, **facts}}})))


CELLS = '|a|"|1|2026-03-14|31/12/9999|1/2/2026|9:00|47:59|12:00 pm|0:30|P1Y|x;y|2026-03-29T01:30'
CELL = st.sampled_from(CELLS.split("|"))
HEADER = st.lists(st.sampled_from([*csv_schedule.COLUMNS, "odd"]), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(HEADER, st.lists(st.lists(CELL, max_size=12), max_size=8))
def test_no_schedule_csv_crashes(header: list[str], rows: list[list[str]]) -> None:
    text_of(read("x", "\n".join(",".join(row) for row in [header, *rows]).encode()))

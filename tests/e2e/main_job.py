"""The main job, played by two desks: bad Wi-Fi, a crash, somebody else's move, and a place that two people want.

Each step says what it does. What the screens confirmed is written down and compared at the end by a reader that uses
none of Callboard's code.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.e2e.desk import Desk
from tests.e2e.house import House
from tests.e2e.line import Line

CHECK_INS: Final = 20
UNDONE: Final = 4  # which of them is undone
CRASH_AFTER: Final = 12
MOVED, TWICE = 2, 7  # whom the other desk moves, and whom it checks in too
CONVERGENCE_SECONDS: Final = 40.0

CLAIMS: Final = """
SELECT r.id, r.ref, r.slot_id, p.ref AS person, p.display_name AS name FROM slot_reservations r
 JOIN participants p ON p.id = r.participant_id JOIN event_slots s ON s.id = r.slot_id
 WHERE r.claim = 'reserved' AND r.spots = 1 AND r.programme_id = '{programme}'
 AND (SELECT count(*) FROM slot_reservations o WHERE o.participant_id = p.id) = 1
 ORDER BY s.start_time, r.id LIMIT {limit}
"""


def say(words: str) -> None:
    """One step, as it happens."""
    print(f"{time.strftime('%H:%M:%S')}  {words}", flush=True)


@dataclass(slots=True)
class Diary:
    """What the screens confirmed."""

    actions: list[dict[str, Any]] = field(default_factory=list)

    def note(self, desk: Desk, kind: str, said: dict[str, Any], members: int = 0, code: str | None = None) -> str:
        """Write one confirmed action down; *code* is the refusal that must come of it."""
        status = "applied" if code is None else "rejected"
        action = {"id": said["command"], "kind": kind, "desk": desk.name, "status": status, "members": members}
        self.actions.append(action if code is None else {**action, "code": code})
        command: str = said["command"]
        return command


def add_open_stage(house: House) -> tuple[str, str]:
    """An event after everything else, in a room of its own, with three slots of one place; the first two slots' ids."""
    (last,) = house.sql(f"SELECT max(end_time) AS at FROM event_slots WHERE programme_id = '{house.programme}'")
    room = house.ask("POST", "/v1/locations", {"name": "Open stage"})
    event = house.ask("POST", "/v1/events", {"name": "Open stage", "category": "other"})
    start = house.sql(f"SELECT '{last['at']}'::timestamptz AS a, '{last['at']}'::timestamptz + interval '45 min' AS b")[
        0
    ]
    block = house.ask(
        "POST",
        f"/v1/events/{event['id']}/timeblocks",
        {"locationId": room["id"], "startTime": start["a"], "endTime": start["b"], "slotDurationMinutes": 15},
    )
    block_id = block.get("id") or block["block"]["id"]
    house.ask("POST", f"/v1/timeblocks/{block_id}/generate_slots", {"capacity": 1})
    slots = house.sql(f"SELECT id FROM event_slots WHERE time_block_id = '{block_id}' ORDER BY slot_number")
    return slots[0]["id"], slots[1]["id"]


class MainJob:
    """The play, step by step."""

    def __init__(self, house: House, folder: Path, pictures: Path) -> None:
        self.house = house
        self.folder = folder
        self.pictures = pictures
        self.diary = Diary()
        self.lines = [Line(house.port), Line(house.port)]
        names = ("Main hall desk", "Side door desk")
        self.first, self.second = (
            Desk(name, folder / f"desk-{number}", f"http://127.0.0.1:{line.port}", house.invite(name))
            for number, (name, line) in enumerate(zip(names, self.lines, strict=True), 1)
        )

    def play(self) -> bool:
        """Everything; True if the reader found nothing wrong."""
        try:
            return self._play()
        finally:
            for desk in (self.first, self.second):
                desk.kill()
            for line in self.lines:
                line.close()

    def _play(self) -> bool:
        last_place, free_place = add_open_stage(self.house)
        people = self.house.sql(CLAIMS.format(programme=self.house.programme, limit=CHECK_INS + 2))
        if len(people) < CHECK_INS + 2:
            say(f"The main job needs {CHECK_INS + 2} people with a place of their own; these files have {len(people)}.")
            return False
        say("Two desks start, each on a line of its own, and fetch the programme.")
        self.first.start()
        self.second.start()
        self._picture(self.first, "desk-online", "desk", people[0]["name"])
        arrived = self._cut_and_check_in(people)
        self._meanwhile(people, last_place, free_place)
        return self._heal_and_compare(people, arrived)

    def _cut_and_check_in(self, people: list[dict[str, Any]]) -> list[str]:
        """The first desk's line is cut; 20 check-ins, one undone, a crash in the middle."""
        self.lines[0].cut()
        self.first.do("wait", **{"for": "offline"}, seconds=60)
        say("The line of the main hall desk is cut. It goes on checking people in.")
        arrived: list[str] = []
        for number, person in enumerate(people[:CHECK_INS]):
            said = self.first.do("check_in", who=person["ref"])
            arrived.append(self.diary.note(self.first, "attendance.arrive", said, members=1))
            if number == UNDONE:
                undo = self.first.do("undo")
                self.diary.note(self.first, "attendance.undo", undo)
                say(f"{number + 1} checked in; the last one, {person['name']}, is undone.")
            if number + 1 == CRASH_AFTER:
                self.first.kill()
                say(f"{CRASH_AFTER} are checked in. The desk is killed with SIGKILL, and started again, offline.")
                self.first.start()
        waiting = self.first.do("status")["waiting"]
        say(f"{CHECK_INS} are checked in; {waiting} actions wait to be sent.")
        self._picture(self.first, "desk-offline", "desk", people[0]["name"])
        return arrived

    def _meanwhile(self, people: list[dict[str, Any]], last_place: str, free_place: str) -> None:
        """The second desk, online, does what will surprise the first; the first asks for a place that is gone."""
        moved, twice, taker, hopeful = people[MOVED], people[TWICE], people[CHECK_INS], people[CHECK_INS + 1]
        say(f"Meanwhile the side door desk moves {moved['name']}, checks {twice['name']} in too,")
        say(f"and gives the last place on the open stage to {taker['name']}.")
        said = self.second.do("move", who=moved["ref"], slot=free_place)
        self.diary.note(self.second, "reservation.move", said)
        said = self.second.do("check_in", who=twice["ref"])
        self.diary.note(self.second, "attendance.arrive", said, members=1)
        said = self.second.do("reserve", who=taker["person"], slot=last_place)
        self.diary.note(self.second, "reservation.reserve", said)
        self.second.do("wait", **{"for": "sent"}, seconds=60)
        say(f"The main hall desk, still cut off, asks for the same place for {hopeful['name']}.")
        said = self.first.do("reserve", who=hopeful["person"], slot=last_place)
        self.refused = self.diary.note(self.first, "reservation.reserve", said, code="SLOT_FULL")
        self._picture(self.first, "board-offline", "board")

    def _heal_and_compare(self, people: list[dict[str, Any]], arrived: list[str]) -> bool:
        self.lines[0].heal()
        began = time.monotonic()
        for desk in (self.first, self.second):
            desk.do("wait", **{"for": "sent"}, seconds=120)
        pairs = zip(people, arrived, strict=False)
        stands: dict[str, str | None] = {person["id"]: command for person, command in pairs}
        stands[people[UNDONE]["id"]] = None
        self._write_expected(stands)
        while self._read(quietly=True) and time.monotonic() - began < CONVERGENCE_SECONDS:
            time.sleep(0.2)  # a desk that was only watching is told by the poke, or by its next pull
        say(f"The line heals; {time.monotonic() - began:.1f} s later both desks hold what the centre holds.")
        self._picture(self.first, "attention", "attention")
        self._picture(self.second, "board", "board")
        told = self._told("The main hall desk is told that the place was gone.")
        self.first.kill()
        self.first.start()
        told &= self._told("It is killed and started once more: the refusal still stands in its Attention.")
        for desk in (self.first, self.second):
            desk.do("wait", **{"for": "sent"}, seconds=60)
            desk.quit()
        say("A reader with plain SQL and sqlite3 compares ledger, tables and both caches:")
        return self._read() == 0 and told

    def _told(self, words: str) -> bool:
        cards = self.first.do("attention")["cards"]
        told = any(card["id"] == self.refused for card in cards)
        say(words if told else f"WRONG: the refusal is not in Attention: {cards}")
        return told

    def _write_expected(self, arrivals: dict[str, str | None]) -> None:
        expected = {
            "psql": self.house.psql(),
            "psql_environment": self.house.psql_environment(),
            "programme": self.house.programme,
            "actions": self.diary.actions,
            "arrivals": arrivals,
            "caches": {desk.name: str(desk.profile / "cache.db") for desk in (self.first, self.second)},
        }
        (self.folder / "expected.json").write_text(json.dumps(expected))

    def _read(self, quietly: bool = False) -> int:
        reader = Path(__file__).with_name("reader.py")
        command = [sys.executable, "-I", str(reader), str(self.folder / "expected.json")]
        return subprocess.run(command, check=False, capture_output=quietly).returncode

    def _picture(self, desk: Desk, name: str, screen: str, search: str = "") -> None:
        desk.do("show", page=screen)
        if search:
            desk.do("search", text=search.split()[0])
        desk.do("screenshot", path=str(self.pictures / f"{name}.png"))

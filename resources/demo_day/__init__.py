"""The demo day: a made-up talent competition, 8 rooms, 40 events, 600 people in many scripts, 25 groups.

Everybody and every school in it is invented. The CSV files are in the formats that organisers use too; they bear times
of day but no date, so that the day can be placed on any. ``day.json`` says what else there is: the programme's name and
time zone, a date to use where none is chosen, and how many minutes each late room is behind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

FOLDER = Path(__file__).parent
FILES = ("rooms.csv", "people.csv", "blocks.csv", "claims.csv")


@dataclass(frozen=True)
class Day:
    """What ``day.json`` says. `delays` are minutes by the room's name."""

    name: str
    time_zone: str
    date: date
    delays: dict[str, int]


def day() -> Day:
    """The demo day's own facts."""
    facts = json.loads((FOLDER / "day.json").read_text(encoding="utf-8"))
    return Day(
        name=facts["name"],
        time_zone=facts["time_zone"],
        date=date.fromisoformat(facts["date"]),
        delays=facts["delays"],
    )


def files() -> list[tuple[str, bytes]]:
    """The name and bytes of each CSV file, to be read together as one import."""
    return [(name, (FOLDER / name).read_bytes()) for name in FILES]

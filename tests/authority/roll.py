"""A roll of people to search: usual names more often, accents, other scripts, schools, ids; and what somebody types."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

import asyncpg

from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Participant

_FIRST: Final = """
James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph Jessica
Thomas Sarah Charles Karen Christopher Lisa Daniel Nancy Matthew Betty Anthony Margaret Mark Sandra Donald Ashley
Steven Kimberly Paul Emily Andrew Donna Joshua Michelle Kenneth Carol Kevin Amanda Brian Melissa George Deborah
Timothy Stephanie Ronald Rebecca Jason Laura Edward Helen Jeffrey Sharon Ryan Cynthia Jacob Kathleen Gary Amy María
José Zoë Søren Łukasz Jürgen Björn Chloë Siân Anaïs Renée Françoise Niño İpek Åsa Þóra Nguyễn Ольга Иван Мария Bob Liz
Bill Kate Jo Al Ed Li Bo Omar Umar Ursula Xavier Ximena Yusuf Yara Quentin Queenie Zachary Zuri Anna Anne Hannah Dina
""".split()  # noqa: SIM905
_STEMS: Final = """
Ander John Peter Rob William Davi Thom Harri Jack Ander Mar Lob Lop Gar Her Mart Rodri Gonza Fernan Al Ber Carl Dal Ell
Far Grand Hol Ing Jor Kirk Lang Mor Nor Oak Pem Quin Rad Stan Thorn Under Van Wal Xan York Zim Mc O'Br Müll Größ Schön
Żół Núñ Ång Gue Whit Bright Ash Black Green Hart Sten Kow Nov Pet Sza Tóth Hor Kov
""".split()  # noqa: SIM905
_ENDS: Final = """
son sen s ez man mann berg ton ley ford wood field worth well er ström lund gaard ski ska wicz ova in ell ard ett ham
stein feld quist dale more ier eau escu opoulos ian oğlu
""".split()  # noqa: SIM905
_JOINTS: Final = ("", "", "", "a", "o", "e", "i", "en", "er", "us", "tr", "kl")
_USUAL: Final = list(accumulate(1 / (number + 6) for number in range(len(_FIRST))))
"""As on real rolls, one in twenty bears the most usual first name."""
_EAST: Final = "王小明 李娜 田中太郎 佐藤花子 김민준 박서연 محمد عبدالله अनिता शर्मा".split()  # noqa: SIM905
_TOWNS: Final = (
    "Oak Lincoln Maple River Hill St Lake Cedar Franklin Washington Jefferson Spring Park Forest Grand".split()  # noqa: SIM905
)
SORTS: Final = (
    "a letter", "two letters", "three letters", "a full name", "turned round", "misspelt", "a beginning each",
    "without accents", "a school", "a name and a school", "an id", "part of an id", "a nickname", "a surname",
)  # fmt: skip
"""What somebody may type."""


def roll(count: int, programme: Id, chosen: random.Random) -> list[Participant]:
    """*count* people, some of whom share a name."""
    schools = [
        f"{chosen.choice(_TOWNS)}{chosen.choice(('ridge', 'wood', ' Hill', 'side', 'brook', ''))} "
        f"{chosen.choice(('Middle School', 'High School', 'Academy', 'Conservatoire'))}"
        for _ in range(max(5, count // 300))
    ]
    return [_person(number, programme, chosen, schools) for number in range(count)]


def _person(number: int, programme: Id, chosen: random.Random, schools: Sequence[str]) -> Participant:
    first = chosen.choices(_FIRST, cum_weights=_USUAL)[0]
    last = chosen.choice(_STEMS) + chosen.choice(_JOINTS) + chosen.choice(_ENDS)
    middle = f" {chosen.choice(_FIRST)}" if chosen.random() < 0.15 else ""
    joined = f"-{chosen.choice(_STEMS)}{chosen.choice(_ENDS)}" if chosen.random() < 0.05 else ""
    name = chosen.choice(_EAST) if chosen.random() < 0.01 else f"{first}{middle} {last}{joined}"
    return Participant(
        id=new_id(), programme_id=programme, display_name=name, external_id=f"X-{number:06}",
        school=chosen.choice(schools) if chosen.random() < 0.9 else None,
    )  # fmt: skip


def typed(sort: str, person: Participant, chosen: random.Random) -> str:
    """What somebody who looks for *person* types."""
    name = person.display_name
    parts = name.split()
    short = {"Robert": "Bob", "Elizabeth": "Liz", "William": "Bill", "Margaret": "Peggy"}
    match sort:
        case "a letter" | "two letters" | "three letters":
            return chosen.choice(parts)[: 1 + ("a letter", "two letters", "three letters").index(sort)].lower()
        case "turned round":
            return " ".join(reversed(parts))
        case "misspelt":
            return _misspelt(name, chosen)
        case "a beginning each":
            return " ".join(part[: chosen.randint(1, 4)] for part in parts).upper()
        case "without accents":
            return name.translate(str.maketrans("áéíóúñöüåøłżćęąçëïİş", "aeiounouaolzceaceiIs"))
        case "a school":
            return (person.school or "academy").lower()
        case "a name and a school":
            return f"{parts[0]} {(person.school or 'high').split()[0]}"
        case "an id":
            return person.external_id or ""
        case "part of an id":
            return (person.external_id or "")[2 : chosen.randint(4, 8)]
        case "a nickname":
            return f"{short.get(parts[0], 'bob')} {parts[-1][:2]}"
        case "a surname":
            return parts[-1].lower()
    return name


def _misspelt(name: str, chosen: random.Random) -> str:
    at = chosen.randrange(1, max(2, len(name) - 1))
    match chosen.randrange(4):
        case 0:
            return name[:at] + name[at + 1 :]
        case 1:
            return name[:at] + chosen.choice("abcdefghijklmnopqrstuvwxyz") + name[at:]
        case 2:
            return name[:at] + chosen.choice("abcdefghijklmnopqrstuvwxyz") + name[at + 1 :]
    return name[: at - 1] + name[at : at + 1] + name[at - 1 : at] + name[at + 1 :]


async def insert_roll(connection: Any, people: Sequence[Participant]) -> None:
    """Put *people* into the database, and let the planner know."""
    columns = ("id", "programme_id", "display_name", "school", "external_id", "ref")
    rows = [tuple(getattr(person, name) for name in columns) for person in people]
    await connection.copy_records_to_table("participants", records=rows, columns=columns)
    await connection.execute("ANALYZE participants; ANALYZE search_people; ANALYZE search_words")


async def insert_programme(url: str, programme: Id) -> Any:
    """A connection, once there is a programme to put people into."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO programmes (id, programme_id, name, time_zone, status, practice)"
        " VALUES ($1, $1, 'Day', 'UTC', 'published', false)",
        programme,
    )
    return connection

"""Races as arithmetic, over HTTP, with two processes answering; each also with what protects it taken away.

So that it is a race each time, somebody holds rows in question until requests wait for them in both processes: before
they have looked at anything where they lock, and after, when they write, where they don't. What protects is the lock,
and beneath it the database's own constraints; the failing runs have neither. There it must be the harm itself that
shows, not merely another answer: two people on one place, one person in two, a promise that is not kept.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from tests.api.two import UNLOCKED, Asked, Two, two

CHECK = "event_slots.ck_event_slots_within_capacity"
TWICE = "reservation_members.ex_reservation_members_double_booked"


@dataclass(frozen=True)
class Race:
    """``run`` it, and its outcome ``holds``, or does what ``harms``; without the lock and what it is ``dropping``."""

    run: Callable[[Two], Awaitable[Any]]
    holds: Callable[[Any], bool]
    harms: Callable[[Any], bool]
    dropping: tuple[str, ...] = (CHECK,)


RACES: dict[str, Race] = {}
Said = Counter[str]

# ----------------------------------------------------------------- overbooking


async def overbooking(t: Two) -> tuple[Said, int, int]:
    """Sixty want one of ten places; the answers, and how many are taken by the claims and by the slot's count."""
    slot = await t.slot(10)
    asked: list[Asked] = [("reservation.reserve", {"slot_id": slot, "reserved_name": str(n)}) for n in range(60)]
    said = Counter(await t.at_once([slot], asked))
    return said, await t.taken(slot), (await t.count(slot))[1]


RACES["overbooking"] = Race(
    overbooking,
    lambda outcome: outcome == ({"applied": 10, "SLOT_FULL": 50}, 10, 10),
    lambda outcome: outcome[1] > 10 and outcome[0]["applied"] == outcome[1],
)

# --------------------------------------------------- a person into two slots


async def one_person_many_slots(t: Two) -> tuple[Said, int]:
    """Somebody is reserved in ten slots at one time."""
    slots = [await t.slot(5) for _ in range(10)]
    (person,) = await t.people(1)
    asked: list[Asked] = [("reservation.reserve", {"slot_id": slot, "participant_ids": [person]}) for slot in slots]
    return Counter(await t.at_once([person, *slots], asked)), await t.most_at_once([person])


RACES["a person into two slots"] = Race(
    one_person_many_slots,
    lambda outcome: outcome == ({"applied": 1, "DOUBLE_BOOKED": 9}, 1),
    lambda outcome: outcome[1] > 1,
    (TWICE,),
)

# ------------------------------------------ the same two people, crosswise


async def crosswise(t: Two) -> tuple[Said, int]:
    """Pairs of people into two places at one time, named in either order."""
    here, there = await t.slot(100), await t.slot(100)
    people = await t.people(20)
    asked: list[Asked] = []
    for one, other in zip(people[::2], people[1::2], strict=True):
        asked += [
            ("reservation.reserve", {"slot_id": here, "participant_ids": [one, other]}),
            ("reservation.reserve", {"slot_id": there, "participant_ids": [other, one]}),
        ]
    return Counter(await t.at_once([here, there], asked)), await t.most_at_once(people)


RACES["the same two people crosswise"] = Race(
    crosswise,
    lambda outcome: outcome == ({"applied": 10, "DOUBLE_BOOKED": 10}, 1),
    lambda outcome: outcome[1] > 1,
    (TWICE,),
)

# ------------------------------------------------------ cancel against promote


async def cancel_against_promote(t: Two) -> list[tuple[list[str], list[str]]]:
    """Each slot's one holder leaves while the first in line, who would follow, leaves too. A third waits behind.

    What the two who leave were told, and what became of the three.
    """
    slots = [await t.slot(1, waitlist=True) for _ in range(6)]
    asked: list[Asked] = []
    lines: list[list[str]] = []
    for slot in slots:
        claims = []
        for name in ("first", "second", "third"):
            args = {"slot_id": slot, "reserved_name": name, "on_full": "waitlist"}
            claims.append(await t.made("reservation.reserve", args))
        asked += [("reservation.cancel", {"reservation_id": claim}) for claim in claims[:2]]
        lines.append(claims)
    said = await t.at_once([*slots, *(second for _, second, _ in lines)], asked)
    return [(said[2 * n : 2 * n + 2], [await t.claim(id) for id in claims]) for n, claims in enumerate(lines)]


def nobody_is_served(outcome: tuple[list[str], list[str]]) -> bool:
    """The place is empty while somebody waits for it, or has gone to one who was told that they are out."""
    said, claims = outcome
    return said[1] == "applied" and (
        claims == ["cancelled", "cancelled", "waitlisted"] or claims[:2] == ["cancelled", "reserved"]
    )


RACES["cancel against promote"] = Race(
    cancel_against_promote,
    lambda outcomes: outcomes == [(["applied"] * 2, ["cancelled", "cancelled", "reserved"])] * 6,
    lambda outcomes: any(map(nobody_is_served, outcomes)),
)

# ------------------------------------------------------------ move against move


async def move_against_move(t: Two) -> list[list[str]]:
    """Each claim is moved to two other slots at once, by people who both saw it in the first."""
    start, left, right = await t.slot(20), await t.slot(20, start="11:00"), await t.slot(20, start="12:00")
    claims = [await t.made("reservation.reserve", {"slot_id": start, "reserved_name": str(n)}) for n in range(10)]
    holder = await asyncpg.connect(t.url)
    try:
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM event_slots WHERE id = $1 FOR UPDATE", start)
            tasks = [
                asyncio.create_task(
                    t.ask("reservation.move", {"reservation_id": claim, "slot_id": to}, n,
                          seen={f"slot_reservations/{claim}": 1})
                )
                for claim in claims
                for n, to in enumerate((left, right))
            ]  # fmt: skip
            await t.both_wait()
        said = await asyncio.gather(*tasks)
    finally:
        await holder.close()
    return [sorted(said[2 * n : 2 * n + 2]) for n in range(len(claims))]


RACES["move against move"] = Race(
    move_against_move,
    lambda pairs: pairs == [["MOVED", "applied"]] * 10,
    lambda pairs: ["applied", "applied"] in pairs,
)

# ------------------------------------------------------ override against reserve


async def override_against_reserve(t: Two) -> tuple[Said, tuple[int, int, int], int]:
    """One place is left; an admin overrides while twenty people want it."""
    slot = await t.slot(3)
    for name in ("a", "b"):
        await t.made("reservation.reserve", {"slot_id": slot, "reserved_name": name})
    asked: list[Asked] = [("reservation.reserve", {"slot_id": slot, "reserved_name": str(n)}) for n in range(20)]
    override = {"slot_id": slot, "reserved_name": "the mayor", "override_reason": "the mayor"}
    asked.insert(1, ("reservation.override", override))  # the first that the other process hears of
    said = await t.at_once([slot], asked)
    assert said.pop(1) == "applied", "an override is never refused for lack of room"
    return Counter(said), await t.count(slot), await t.taken(slot)


def one_more_by_override(outcome: tuple[Said, tuple[int, int, int], int]) -> bool:
    """The mayor has the last place, or is one more than there are, which is written down."""
    said, (capacity, reserved, overbooked), taken = outcome
    return reserved == taken == capacity + overbooked and said["applied"] == overbooked <= 1


RACES["override against reserve"] = Race(
    override_against_reserve,
    one_more_by_override,
    lambda outcome: outcome[2] > outcome[1][0] + outcome[1][2],
)

# ------------------------------------------------ holds for crossing sets of seats


async def crossing_seats(t: Two) -> tuple[Said, list[int]]:
    """Five seats; of ten parties each wants two that neighbours want too. Answers, and each holder's seats."""
    slot = await t.slot(1)
    room = str(await t.sql.fetchval("SELECT location_id FROM event_slots WHERE id = $1", slot))
    seats = [{"row": "A", "number": n, "seat_type": "standard"} for n in range(1, 6)]
    assert await t.ask("seats.create", {"location_id": room, "seats": seats}) == "applied"
    assert await t.ask("slot.open_seats", {"slot_id": slot}) == "applied"
    rows = await t.sql.fetch("SELECT id FROM seats WHERE location_id = $1 ORDER BY number", room)
    ids = [str(row[0]) for row in rows]
    asked: list[Asked] = []
    for n in range(10):
        pair = [ids[n % 5], ids[(n + 1) % 5]]
        pair = pair if n % 2 else pair[::-1]
        asked.append(("reservation.hold", {"slot_id": slot, "reserved_name": str(n), "guests": 1, "seat_ids": pair}))
    said = Counter(await t.at_once([slot], asked))
    rows = await t.sql.fetch(
        "SELECT count(s.id) FROM slot_reservations r LEFT JOIN slot_seats s ON s.reservation_id = r.id"
        " WHERE r.slot_id = $1 AND r.claim = 'held' GROUP BY r.id",
        slot,
    )
    return said, [row[0] for row in rows]


RACES["holds for crossing sets of seats"] = Race(
    crossing_seats,
    lambda outcome: outcome == ({"applied": 2, "SEATS_TAKEN": 8}, [2, 2]),
    lambda outcome: any(seats < 2 for seats in outcome[1]),  # a seat of theirs was given to somebody else as well
)

# ---------------------------------------------------------- expiry against confirm


async def expiry_against_confirm(t: Two) -> tuple[str, str, str]:
    """A hold runs out while somebody who came in time confirms it; what both were told, and its state."""
    slot = await t.slot(1)
    hold = await t.made("reservation.hold", {"slot_id": slot, "reserved_name": "Ada"})
    holder = await asyncpg.connect(t.url)
    try:
        async with holder.transaction():
            ends = await holder.fetchval(
                "UPDATE slot_reservations SET expires_at = clock_timestamp() + interval '2 s' WHERE id = $1"
                " RETURNING expires_at",
                hold,
            )
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM slot_reservations WHERE id = $1 FOR UPDATE", hold)
            confirm = asyncio.create_task(t.ask("reservation.confirm", {"reservation_id": hold}, 0))
            await t.waiting(1)  # it came in time, and in the failing run has decided by that time
            while await holder.fetchval("SELECT clock_timestamp() <= $1", ends):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            expire = asyncio.create_task(t.ask("hold.expire", {"reservation_ids": [hold]}, 1))
            await t.both_wait()
        said = await confirm, await expire
    finally:
        await holder.close()
    return *said, await t.claim(hold)


RACES["expiry against confirm"] = Race(
    expiry_against_confirm,
    lambda outcome: outcome in (
        ("applied", "NOT_HELD", "reserved"), ("HOLD_EXPIRED", "applied", "expired"),
        ("HOLD_EXPIRED", "NOT_HELD", "expired"),  # the timer did it
    ),
    lambda outcome: outcome[0] == "applied" and outcome[2] != "reserved",
)  # fmt: skip

# --------------------------------------------------------------------- the races

ROUNDS = 4
"""How often a race is run, to be held each time, or until it is lost."""


@pytest.mark.parametrize("name", RACES)
async def test_race(database_url: str, name: str) -> None:
    race = RACES[name]
    async with two(database_url) as t:
        for _ in range(ROUNDS // 2):
            outcome = await race.run(t)
            assert race.holds(outcome), outcome


@pytest.mark.parametrize("name", RACES)
async def test_race_without_protection_is_lost(database_url: str, name: str) -> None:
    race = RACES[name]
    outcomes: list[Any] = []
    async with two(database_url, UNLOCKED, race.dropping) as t:
        while len(outcomes) < ROUNDS:
            outcomes.append(await race.run(t))
            if race.harms(outcomes[-1]):
                return
    pytest.fail(f"the race was not lost once: {outcomes}")

"""Everything at once for a while, and then what is kept is counted again from the rows."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any, Final

import pytest

from server_sync.protocol.ids import Id
from tests.scenarios.stage import Stage, at

VISITORS, EACH = 40, 25
BELOW_NOTHING: Final = " + ".join(
    f"constraint:{table}.ck_{table}_reserved_not_negative" for table in ("event_slots", "event_time_blocks", "events")
)
"""Where places are given back that were never counted, this would stop it first."""


class Load:
    """Visitors who ask for anything, each after the other, all of them at once."""

    def __init__(self, stage: Stage, slots: list[Id], people: list[Id]) -> None:
        self.stage, self.slots, self.people = stage, slots, people
        self.dice = random.Random(24)
        self.claims: list[Id] = []
        self.waiting: list[Id] = []
        self.done: Counter[str] = Counter()
        self.statuses: set[int] = set()

    async def run(self) -> None:
        """Until all have had their turns, and what was held for a second has run out."""
        await asyncio.gather(*(self._visitor() for _ in range(VISITORS)))
        soon = "SELECT count(*) FROM slot_reservations WHERE claim = 'held' AND expires_at < now() + interval '9 s'"
        async with asyncio.timeout(20):
            while await self.stage.value(soon):  # noqa: ASYNC110  a database tells nobody
                await asyncio.sleep(0.1)

    async def _visitor(self) -> None:
        for _ in range(EACH):
            kind, args = self._wish()
            reply = await self.stage.give(kind, args)
            self.statuses.add(reply.status_code)
            if reply.status_code == 200:
                details = reply.json()["details"]
                self.done[kind] += 1
                self.done["waitlisted"] += details.get("claim") == "waitlisted"
                self.done["promoted"] += len(details.get("promoted", ()))
                if kind in ("reservation.reserve", "reservation.hold"):
                    self.claims.append(details["reservation_id"])
                if details.get("claim") == "waitlisted":
                    self.waiting.append(details["reservation_id"])

    def _wish(self) -> tuple[str, dict[str, Any]]:
        dice = self.dice
        slot, guests = {"slot_id": dice.choice(self.slots)}, {"guests": dice.randrange(3)}
        claim = {"reservation_id": dice.choice(self.claims or [self.stage.elsewhere()])}
        waiting = {"reservation_ids": [dice.choice(self.waiting[-9:] or [self.stage.elsewhere()])]}
        somebody = {"participant_ids": [dice.choice(self.people)]} if dice.random() < 0.5 else {"reserved_name": "Bo"}
        wishes: list[tuple[int, str, dict[str, Any]]] = [
            (6, "reservation.reserve", slot | guests | somebody | {"on_full": dice.choice(("refuse", "waitlist"))}),
            (3, "reservation.hold", slot | guests | somebody | {"ttl_seconds": dice.choice((1, 180))}),
            (2, "reservation.confirm", claim), (4, "reservation.cancel", claim),
            (5, "reservation.move", claim | slot), (3, "reservation.update", claim | guests),
            (1, "reservation.reinstate", claim), (1, "waitlist.promote", waiting), (1, "waitlist.remove", waiting),
            (2, "waitlist.promote", waiting | {"override_reason": "a friend"}),
            (2, "attendance.arrive", claim), (1, "attendance.no_show", claim),
        ]  # fmt: skip
        ((_, kind, args),) = dice.choices(wishes, [weight for weight, _, _ in wishes])
        return kind, args


async def venue(stage: Stage, hour: int) -> tuple[Id, list[Id]]:
    """A limited event that keeps a line, with two limited blocks of three slots each; its slots."""
    event = await stage.create("event", name=f"Gala {hour}", waitlist_enabled=True, capacity=60)
    for number in range(2):
        room = await stage.create("location", name=f"Room {hour}/{number}")
        block = await stage.create(
            "block", event_id=event, location_id=room, max_capacity=32, slot_duration_minutes=20,
            start_time=at(f"{hour:02}:00"), end_time=at(f"{hour + 1:02}:00"),
        )  # fmt: skip
        await stage.command("block.generate_slots", {"block_id": block, "capacity": 12})
    rows = await stage.sql.fetch("SELECT id::text FROM event_slots WHERE event_id = $1 ORDER BY id", event)
    return event, [row[0] for row in rows]


RECOUNTED: Final = """
SELECT t.reserved_count, coalesce(sum(r.spots), 0)::int FROM {table} t LEFT JOIN slot_reservations r
ON r.{column} = t.id AND r.claim IN ('held', 'reserved') AND r.deleted IS NOT TRUE WHERE {limited} GROUP BY t.id
"""


@pytest.mark.turned_off(
    f"trigger:slot_reservations.count_new + {BELOW_NOTHING}",
    f"trigger:slot_reservations.count_changed + {BELOW_NOTHING}",
    "part:server_sync.authority.queries.reservations:counts={}",
)  # fmt: skip
async def test_R24_counts_equal_a_recount_after_a_heavy_mixed_load(stage: Stage) -> None:
    places = [await venue(stage, hour) for hour in (9, 10)]
    load = Load(stage, [slot for _, slots in places for slot in slots], await stage.people(60))
    await load.run()
    for table, column, limited in (
        ("event_slots", "slot_id", "true"), ("event_time_blocks", "time_block_id", "max_capacity IS NOT NULL"),
        ("events", "event_id", "capacity IS NOT NULL"),
    ):  # fmt: skip
        counted = await stage.sql.fetch(RECOUNTED.format(table=table, column=column, limited=limited))
        assert all(kept == found for kept, found in counted), (table, counted)
        assert len(counted) >= 2
        assert sum(kept for kept, _ in counted) > 20, table
    for event, _ in places:
        found = (await stage.get(f"/v1/events/{event}/counts"))["counts"]
        told = {one["status"]: (one["reservations"], one["spots"]) for one in found if one["reservations"]}
        assert told == await recount(stage, event)
    assert load.statuses <= {200, 404, 409}
    wanted = {
        "reservation.reserve", "reservation.hold", "reservation.confirm", "reservation.cancel", "reservation.move",
        "reservation.update", "waitlist.promote", "attendance.arrive", "waitlisted", "promoted",
    }  # fmt: skip
    assert {kind for kind in wanted if load.done[kind] < 3} == set(), load.done


async def recount(stage: Stage, event: Id) -> dict[str, tuple[int, int]]:
    """How many reservations of an event read each word, and their places, by looking at each of them."""
    spots: dict[str, list[int]] = {}
    more: dict[str, Any] = {"eventId": event, "limit": 100}
    while more:
        page = await stage.get("/v1/reservations", **more)
        for one in page["reservations"]:
            spots.setdefault(one["status"], []).append(one["spots"])
        more = more | {"after": page["next"]} if "next" in page else {}
    return {word: (len(each), sum(each)) for word, each in spots.items()}

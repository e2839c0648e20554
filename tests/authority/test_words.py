"""The one word of a reservation: the database, which filters and counts by it, says the same as the rules."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from server_sync.authority.queries.engine import Reads
from server_sync.authority.queries.reservations import counts, page
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import SlotReservation
from server_sync.rules.attend import KINDS
from server_sync.rules.attendance import Word, word
from server_sync.rules.state import FACTS, MEMBERS
from tests.anything.rows import tables
from tests.authority.centre import ROOT, Centre, centre, code, envelope, ok

SEED = 20260502
CLAIMS, SAID = 60, 9
WORDS: tuple[Word, ...] = get_args(Word)


@pytest.fixture
async def c(database_url: str) -> AsyncIterator[Centre]:
    """A centre."""
    async with centre(database_url) as made:
        yield made


@pytest.fixture
async def reads(database_url: str) -> AsyncIterator[Reads]:
    """What the faces read with."""
    made = Reads.open(database_url)
    yield made
    await made.close()


async def any_claim(c: Centre, slot: Id, people: list[Id], choose: random.Random) -> None:
    """A claim of some people or of a name, and what is said of it: who came and who did not, who joins, who leaves."""
    party = choose.sample(people, choose.choice((0, 0, 1, 2, 3)))
    args: dict[str, Any] = {"slot_id": slot, "participant_ids": party}
    claim = ok(await c.submit("reservation.reserve", args if party else args | {"reserved_name": "The Mayor"}))
    id, said, began = claim["reservation_id"], list[Id](), datetime.now(UTC) - timedelta(hours=3)
    kinds = ["attendance.arrive", "attendance.no_show"] * 3 + ["attendance.perform"] + ["undo", "join", "leave"] * 2
    for kind in choose.choices(kinds, k=choose.randrange(SAID)):
        change: dict[str, Any] = {"reservation_id": id}
        if kind == "undo" and said:
            await c.submit("attendance.undo", {"command_id": choose.choice(said)})
        elif kind == "join" and (others := sorted(set(people) - set(party))):
            party.append(choose.choice(others))
            ok(await c.submit("reservation.update", change | {"add_participant_ids": party[-1:]}))
        elif kind == "leave" and len(party) > 1:
            left = party.pop(choose.randrange(len(party)))
            ok(await c.submit("reservation.update", change | {"remove_participant_ids": [left]}))
        elif kind in KINDS:
            named = choose.sample(party, choose.randint(0, len(party)))
            at = began + timedelta(minutes=choose.randrange(120))
            asked = envelope(kind, change | {"participant_ids": named}, occurred_at=at)
            said.append(asked.id)
            assert code(await c.authority.submit(ROOT, asked, c.programme)) == "applied"
    if choose.random() < 0.1:
        await c.submit("reservation.cancel", {"reservation_id": id})


async def test_the_database_reads_a_claim_as_the_rules_do(c: Centre, reads: Reads) -> None:
    choose = random.Random(SEED)
    people = await c.people(4)
    event = await c.create("event", name="Piano solo")
    for slot in await c.slots(CLAIMS, capacity=9, event=event):
        await any_claim(c, slot, people, choose)
    state = await tables(c.sql, c.programme)
    expected = {
        claim.id: word(
            claim, [row.participant_id for row in state.find(MEMBERS, claim.id)], state.find(FACTS, claim.id)
        )
        for claim in state.rows[SlotReservation].values()
    }
    assert {"reserved", "checked_in", "performed", "no_show", "cancelled"} <= set(expected.values())
    nothing: dict[str, Any] = dict.fromkeys(("event_id", "location_id", "slot_id", "participant_id", "begins", "ends"))
    for each in WORDS:
        found = await page(reads, c.programme, **nothing, word=each, limit=CLAIMS, after=None)
        assert not isinstance(found, Refusal)
        assert {row.id for row in found.rows} == {id for id, said in expected.items() if said == each}, each
        assert {row.status for row in found.rows} <= {each}
    counted = {said: row.reservations for said, row in (await counts(reads, event)).items() if row.reservations}
    assert counted == Counter(expected.values())

"""Waitlists: who waits for what is full, in which order, and who gets what comes free."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server_sync.protocol.ids import Id
from tests.scenarios.stage import Stage
from tests.scenarios.test_reservations import slot_of

SERVE = "part:server_sync.rules.waitlist:serve=()"


TIMER = "part:server_sync.authority.expiry:Expiry._end"


@pytest.mark.turned_off(TIMER, SERVE)
async def test_R06_whoever_waits_has_the_place_within_five_seconds(stage: Stage) -> None:
    _, slot = await queue(stage)
    hold = {"slot_id": slot, "reserved_name": "Ada", "ttl_seconds": 1}
    held = (await stage.command("reservation.hold", hold))["reservation_id"]
    first, second = await join(stage, slot), await join(stage, slot)
    freed: datetime = (await stage.row("slot_reservations", held))["expires_at"]
    while (await stage.reservation(first))["status"] != "reserved":
        assert datetime.now(UTC) - freed < timedelta(seconds=5), "the place was free, and nobody was given it"
        await asyncio.sleep(0.05)
    assert await cancel(stage, first) == [second], "and at once where somebody gives it back"


async def queue(stage: Stage, capacity: int = 1, **event: Any) -> tuple[Id, Id]:
    """An event that keeps a line, and its one slot."""
    id = await stage.create("event", name="Gala", **{"waitlist_enabled": True, **event})
    return id, await slot_of(stage, id, capacity)


async def join(stage: Stage, slot: Id, *people: Id, **more: Any) -> Id:
    """The id of a reservation that waits if there is no room."""
    who: dict[str, Any] = {"participant_ids": list(people)} if people else {"reserved_name": "Somebody"}
    args = {"slot_id": slot, "on_full": "waitlist"} | who | more
    id: Id = (await stage.command("reservation.reserve", args))["reservation_id"]
    return id


async def in_line(stage: Stage, event: Id) -> list[dict[str, Any]]:
    """The waitlist as staff see it."""
    entries: list[dict[str, Any]] = (await stage.get(f"/v1/events/{event}/waitlist"))["waitlist"]
    return entries


async def cancel(stage: Stage, id: Id) -> list[Id]:
    """Who is promoted when that reservation ends."""
    promoted: list[Id] = (await stage.command("reservation.cancel", {"reservation_id": id})).get("promoted", [])
    return promoted


@pytest.mark.turned_off(SERVE, "part:server_sync.rules.reserve:keeps_line=False")
async def test_T36_the_first_who_waits_gets_the_place_that_opens(stage: Stage) -> None:
    event, slot = await queue(stage)
    ada, bo, cy = await stage.people(3)
    first = await join(stage, slot, ada)
    reply = await stage.client.post(
        f"/v1/slots/{slot}/reserve", json={"participantId": bo, "onFull": "waitlist", "contact": "b@example.org"}
    )
    assert (reply.status_code, reply.json().get("status")) == (201, "waitlisted")
    second, third = reply.json()["reservation_id"], await join(stage, slot, cy)
    assert [(await stage.reservation(id)).get("place_in_line") for id in (first, second, third)] == [None, 1, 2]
    assert await cancel(stage, first) == [second]
    assert [(await stage.reservation(id))["status"] for id in (first, second, third)] == [
        "cancelled", "reserved", "waitlisted",
    ]  # fmt: skip
    assert await stage.counts(slot) == (1, 1)
    assert [entry["reservation_id"] for entry in await in_line(stage, event)] == [third]


@pytest.mark.turned_off("face:GET /v1/events/{event_id}/waitlist", "part:server_sync.rules.reserve:whose={}")
async def test_W18_R20_a_waitlist_entry_keeps_user_event_position_spots_and_time(stage: Stage) -> None:
    event, slot = await queue(stage)
    ada, bo = await stage.people(2)
    await join(stage, slot)
    ids = [await join(stage, slot, ada, guests=1), await join(stage, slot, bo)]
    entries = await in_line(stage, event)
    told = ("reservation_id", "participant_id", "position", "place_in_line", "spots")
    assert [tuple(entry.get(name) for name in told) for entry in entries] == [
        (ids[0], ada, 1, 1, 2), (ids[1], bo, 2, 2, 1),
    ]  # fmt: skip
    for entry in entries:
        assert abs((datetime.now(UTC) - datetime.fromisoformat(entry["added_at"])).total_seconds()) < 60
    again = {"slot_id": slot, "participant_ids": [ada], "on_full": "waitlist"}
    assert (await stage.refused("reservation.reserve", again, "ALREADY_WAITING"))["reservation_id"] == ids[0]


@pytest.mark.turned_off(
    "part:server_sync.rules.placing:_clash_of + index:uq_reservation_members_waiting_once",
    "index:uq_reservation_members_waiting_once",
)  # fmt: skip
async def test_R20_nobody_waits_twice(stage: Stage) -> None:
    event, slot = await queue(stage)
    await join(stage, slot)
    ada = await stage.festival.person()
    args = {"slot_id": slot, "participant_ids": [ada], "on_full": "waitlist"}
    replies = await stage.all_at_once([slot], *(stage.give("reservation.reserve", args) for _ in range(6)))
    assert sorted(reply.json().get("error_code", "done") for reply in replies) == ["ALREADY_WAITING"] * 5 + ["done"]
    assert [entry["position"] for entry in await in_line(stage, event)] == [1]
    await stage.forbidden(
        "INSERT INTO reservation_members (id, programme_id, reservation_id, participant_id, slot_id, start_time,"
        " end_time, live, waived, waiting) SELECT gen_random_uuid(), programme_id, reservation_id, participant_id,"
        " slot_id, start_time, end_time, live, waived, waiting FROM reservation_members WHERE waiting"
    )


@pytest.mark.turned_off("part:server_sync.rules.reserve:keeps_line=True")
async def test_W20_without_a_waitlist_a_full_event_refuses(stage: Stage) -> None:
    event = await stage.create("event", name="Gala")
    assert (await stage.get(f"/v1/events/{event}"))["waitlist_enabled"] is False
    slot = await slot_of(stage, event, 1)
    await stage.reserve(slot)
    args = {"slot_id": slot, "reserved_name": "x", "on_full": "waitlist"}
    await stage.refused("reservation.reserve", args, "SLOT_FULL")
    assert await in_line(stage, event) == []


@pytest.mark.turned_off("part:server_sync.authority.queries.waitlists:places={}")
async def test_W22_places_run_from_one_in_the_order_of_joining(stage: Stage) -> None:
    event, slot = await queue(stage)
    await join(stage, slot)
    ids = [await join(stage, slot) for _ in range(5)]
    assert [(entry["position"], entry["reservation_id"]) for entry in await in_line(stage, event)] == list(
        enumerate(ids, 1)
    )
    await asyncio.gather(*(join(stage, slot) for _ in range(20)))
    entries = await in_line(stage, event)
    assert [entry["position"] for entry in entries] == list(range(1, 26))
    assert [entry["reservation_id"] for entry in entries[:5]] == ids
    times = [entry["added_at"] for entry in entries]
    assert times == sorted(times)
    first = await stage.get(f"/v1/events/{event}/waitlist", limit=10)
    rest = await stage.get(f"/v1/events/{event}/waitlist", limit=100, after=first["next"])
    assert [entry["position"] for entry in first["waitlist"] + rest["waitlist"]] == list(range(1, 26))


@pytest.mark.turned_off(SERVE)
async def test_W23_W24_R03_who_leaves_promotes_the_next_in_the_same_transaction(stage: Stage) -> None:
    _, slot = await queue(stage)
    first, second = await join(stage, slot), await join(stage, slot)
    assert await cancel(stage, first) == [second]
    rows = await stage.sql.fetch("SELECT id::text, last_xid::text FROM slot_reservations ORDER BY id")
    assert {row["id"] for row in rows} == {first, second}
    assert len({row["last_xid"] for row in rows}) == 1, "one transaction ended one and promoted the other"
    assert "promoted" not in await stage.command("reservation.cancel", {"reservation_id": second}), "nobody waits"
    assert await stage.counts(slot) == (0, 0)


@pytest.mark.turned_off(SERVE)
async def test_R03_many_leave_and_join_at_once(stage: Stage) -> None:
    _, slot = await queue(stage, capacity=4)
    held = [await join(stage, slot) for _ in range(4)]
    waiting = [await join(stage, slot) for _ in range(6)]
    replies = await stage.all_at_once(
        [slot],
        *(stage.give("reservation.cancel", {"reservation_id": id}) for id in held),
        *(
            stage.give("reservation.reserve", {"slot_id": slot, "reserved_name": "x", "on_full": "waitlist"})
            for _ in range(4)
        ),
    )
    assert {reply.status_code for reply in replies} == {200}
    assert await stage.counts(slot) == (4, 4)
    assert [(await stage.reservation(id))["status"] for id in waiting] == ["reserved"] * 4 + ["waitlisted"] * 2


@pytest.mark.turned_off(
    "part:server_sync.authority.queries.waitlists:places->tests.scenarios.standins:places_as_first_told",
    "command:waitlist.remove", "command:reservation.cancel",
)  # fmt: skip
async def test_W25_R04_who_leaves_the_line_lets_the_others_move_up(stage: Stage) -> None:
    event, slot = await queue(stage)
    await join(stage, slot)
    ids = [await join(stage, slot, await stage.festival.person()) for _ in range(5)]
    assert [entry["position"] for entry in await in_line(stage, event)] == [1, 2, 3, 4, 5]
    assert await cancel(stage, ids[1]) == []
    assert [(entry["reservation_id"], entry["position"]) for entry in await in_line(stage, event)] == [
        (ids[0], 1), (ids[2], 2), (ids[3], 3), (ids[4], 4),
    ]  # fmt: skip
    await stage.command("waitlist.remove", {"reservation_ids": [ids[0]]}, by=stage.festival.volunteer)
    assert [(await stage.reservation(id)).get("place_in_line") for id in ids] == [None, None, 1, 2, 3]
    assert await stage.counts(slot) == (1, 1)


@pytest.mark.turned_off(
    "part:server_sync.authority.queries.reservations:page->tests.scenarios.standins:by_start_alone",
    "part:server_sync.authority.queries.waitlists:CAME->tests.scenarios.standins:LAST_COME_FIRST",
)  # fmt: skip
async def test_W28_registrations_and_entries_list_by_time(stage: Stage) -> None:
    ada = await stage.festival.person()
    slots = [await stage.festival.slot() for _ in range(3)]
    ids = [await stage.reserve(slot, ada) for slot in reversed(slots)]
    page = await stage.get("/v1/reservations", participantId=ada, order="reserved_at", limit=2)
    more = await stage.get("/v1/reservations", participantId=ada, order="reserved_at", after=page["next"])
    listed = page["reservations"] + more["reservations"]
    assert [entry["id"] for entry in listed] == ids
    times = [entry["reserved_at"] for entry in listed]
    assert times == sorted(times)
    event, slot = await queue(stage)
    await join(stage, slot)
    waiting = [await join(stage, slot) for _ in range(3)]
    assert [entry["reservation_id"] for entry in await in_line(stage, event)] == waiting


@pytest.mark.turned_off("part:server_sync.rules.reserve:keeps_line=False")
async def test_R02_a_party_without_room_waits_for_all_of_its_places(stage: Stage) -> None:
    event, slot = await queue(stage, capacity=3)
    await join(stage, slot, guests=1)
    waiting = await join(stage, slot, await stage.festival.person(), guests=1)
    kept = await stage.reservation(waiting)
    assert (kept["status"], kept["spots"], kept["place_in_line"]) == ("waitlisted", 2, 1)
    assert await stage.counts(slot) == (2, 2)
    (entry,) = await in_line(stage, event)
    assert (entry["reservation_id"], entry["spots"]) == (waiting, 2)


@pytest.mark.turned_off(
    SERVE, "part:server_sync.rules.waitlist:_Serving._too_small->tests.scenarios.test_waitlists:everything"
)
async def test_R05_who_fits_is_promoted_and_larger_parties_are_passed(stage: Stage) -> None:
    event, slot = await queue(stage, capacity=5, waitlist_order="best_fit")
    first = await join(stage, slot, guests=1)
    await join(stage, slot, guests=2)
    big, small, medium, last = [await join(stage, slot, guests=n) for n in (3, 0, 1, 0)]
    assert await cancel(stage, first) == [small, last]
    assert [entry["reservation_id"] for entry in await in_line(stage, event)] == [big, medium]
    assert await stage.counts(slot) == (5, 5)


def everything(serving: Any, *_: Any) -> set[Id]:
    """As if whoever is too big closed the whole event to those behind."""
    return {serving.event_id}


@pytest.mark.turned_off(
    "part:server_sync.rules.line:_each->tests.scenarios.standins:whoever_can",
    "part:server_sync.rules.line:_each->tests.scenarios.standins:the_first_alone", "command:waitlist.remove",
)  # fmt: skip
async def test_R10_several_are_promoted_or_removed_at_once(stage: Stage) -> None:
    event, slot = await queue(stage, capacity=5)
    await join(stage, slot, guests=1)
    first = await join(stage, slot, guests=2)
    big, one, two, three = [await join(stage, slot, guests=n) for n in (3, 0, 0, 0)]
    await cancel(stage, first)
    args = {"reservation_ids": [two, big, one]}
    await stage.refused("waitlist.promote", args, "NOT_ALLOWED", by=stage.festival.volunteer)
    said = await stage.refused("waitlist.promote", args, "SLOT_FULL", by=stage.festival.manager)
    assert (said["index"], said["reservation_id"]) == (1, big)
    assert await stage.counts(slot) == (2, 2)
    report = await stage.command("waitlist.promote", args | {"mode": "best"}, by=stage.festival.manager)
    assert [result.get("code", result.get("claim")) for result in report["results"]] == [
        "reserved", "SLOT_FULL", "reserved",
    ]  # fmt: skip
    reason = {"reservation_ids": [big], "override_reason": "the sponsor's table"}
    await stage.refused("waitlist.promote", reason, "NOT_ALLOWED", by=stage.festival.manager)
    await stage.command("waitlist.promote", reason)
    assert await stage.counts(slot) == (8, 8)
    late = await join(stage, slot)
    removed = await stage.command("waitlist.remove", {"reservation_ids": [late, three]})
    assert [result["claim"] for result in removed["results"]] == ["cancelled", "cancelled"]
    assert await in_line(stage, event) == []

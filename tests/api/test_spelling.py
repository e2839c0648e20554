"""Names may be spelt in two ways and ids in either case; what is not known is refused, at any depth."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from server_sync.api.spelling import spelling_of
from server_sync.authority.queries.kinds import ARGUMENTS
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import new_id
from tests.api.festival import DAY, Festival, made

EVENING = f"{DAY}T20:00:00Z"


async def give(festival: Festival, kind: str, args: dict[str, Any], path: str = "/v1/commands") -> httpx.Response:
    """The answer to a command of an admin."""
    return await festival.client.post(path, json={"kind": kind, "args": args}, headers=festival.admin)


async def claims(festival: Festival) -> list[str]:
    """The word for each reservation there is."""
    page = (await festival.client.get("/v1/reservations", headers=festival.admin)).json()
    return [claim["status"] for claim in page["reservations"]]


def no_such(reply: httpx.Response, field: str) -> dict[str, Any]:
    """The details of the refusal, which must name *field*."""
    assert (reply.status_code, reply.json()["error_code"]) == (422, "INVALID"), reply.text
    details: dict[str, Any] = reply.json()["details"]
    assert details["field"] == field
    return details


async def test_a_limit_in_camel_case_limits(festival: Festival) -> None:
    await festival.reserve(await festival.slot())  # in the morning
    args = {"locationId": festival.room, "reason": "the evening is off", "fromTime": EVENING}
    reply = await give(festival, "location.cancel", args)
    assert reply.status_code == 409, reply.text
    assert await claims(festival) == ["reserved"]


async def test_a_limit_misspelt_does_nothing(festival: Festival) -> None:
    await festival.reserve(await festival.slot())
    args = {"location_id": festival.room, "reason": "the evening is off", "from_tme": EVENING}
    for path in ("/v1/commands", "/v1/commands/preview"):
        details = no_such(await give(festival, "location.cancel", args, path), "args.from_tme")
        assert {"from_time", "location_id", "reason"} <= set(details["known"])
    assert await claims(festival) == ["reserved"]


async def test_a_version_counts_however_it_is_spelt(festival: Festival) -> None:
    claim = (await festival.reserve(await festival.slot()))["reservation_id"]
    reply = await give(festival, "reservation.cancel", {"reservationId": claim, "Version": 9})
    assert (reply.status_code, reply.json()["error_code"]) == (409, "STALE_VERSION"), reply.text
    assert await claims(festival) == ["reserved"]


async def test_what_lies_within_is_spelt_alike(festival: Festival) -> None:
    path = f"/v1/locations/{festival.room}/seats"
    seats = [{"row": "A", "number": 1, "seatType": "stalls"}]
    await made(festival.client, path, {"seats": seats}, festival.admin)
    reply = await give(festival, "seats.create", {"location_id": festival.room, "seats": [{**seats[0], "number": 2}]})
    assert reply.status_code == 200, reply.text
    room = (await festival.client.get(path)).json()["seats"]
    assert [seat["seat_type"] for seat in room] == ["stalls", "stalls"]
    typo = {"seats": [{"row": "B", "number": 1}, {"row": "B", "number": 2, "seatTyp": "stalls"}]}
    details = no_such(await festival.client.post(path, json=typo, headers=festival.admin), "seats[1].seatTyp")
    assert "seat_type" in details["known"]
    no_such(await give(festival, "seats.create", {"location_id": festival.room, **typo}), "args.seats[1].seatTyp")
    reply = await festival.client.post("/v1/events", json={"name": "X", "points": {"4th": 1}}, headers=festival.admin)
    no_such(reply, "points.4th")
    event = await made(
        festival.client, "/v1/commands", {"kind": "event.create", "args": {"name": "Y", "waitlistEnabled": True}},
        festival.admin,
    )  # fmt: skip
    found = (await festival.client.get(f"/v1/events/{event['details']['id']}")).json()
    assert found["waitlist_enabled"] is True


async def test_what_is_free_in_form_stays_as_it_is(festival: Festival) -> None:
    metadata = {"dietNote": [{"noNuts": True}], "id": new_id().upper()}
    claim = await festival.reserve(await festival.slot(), metadata=metadata, specialRequirements="Quiet")
    found = await festival.client.get(f"/v1/reservations/{claim['reservation_id']}", headers=festival.admin)
    assert found.json()["metadata"] == metadata
    assert found.json()["special_requirements"] == "Quiet"


async def test_one_name_in_both_spellings_is_refused(festival: Festival) -> None:
    slot = await festival.slot()
    body = {"reservedName": "Ada", "reserved_name": "Bo"}
    no_such(await festival.client.post(f"/v1/slots/{slot}/reserve", json=body), "reserved_name")
    reply = await festival.client.get("/v1/slots", params=[("limit", 1), ("limit", 2)])
    no_such(reply, "limit")


async def test_an_id_may_be_in_upper_case(festival: Festival) -> None:
    slot, ada, bo = await festival.slot(2), await festival.person(), await festival.person("Bo Lind")
    claim = await festival.reserve(slot.upper(), ada.upper())
    reply = await give(festival, "reservation.reserve", {"slot_id": slot.upper(), "participant_ids": [bo.upper()]})
    assert reply.status_code == 200, reply.text
    query = {"slotId": slot.upper(), "programme": festival.programme.upper()}
    page = (await festival.client.get("/v1/reservations", params=query, headers=festival.admin)).json()
    assert len(page["reservations"]) == 2
    body = {"kind": "reservation.cancel", "args": {"reservation_id": claim["reservation_id"]}, "id": new_id().upper()}
    done = await made(festival.client, "/v1/commands", body, festival.admin)
    assert done["id"] == body["id"].lower()  # type: ignore[attr-defined]


async def test_a_year_out_of_range_is_named_as_it_was_written(festival: Festival) -> None:
    for path in ("/v1/slots", "/v1/audit"):
        reply = await festival.client.get(path, params={"from": "1700-01-01T00:00:00Z"}, headers=festival.admin)
        assert no_such(reply, "from")["problem"] == "the year 1700 is out of range"


@pytest.mark.parametrize("kind", sorted(ARGUMENTS))
def test_every_kind_knows_its_own_names(kind: str) -> None:
    names = [str(name) for name in ARGUMENTS[kind].__struct_fields__]
    camel = ["".join([first, *(part.title() for part in rest)]) for first, *rest in (name.split("_") for name in names)]
    for spelt in (names, camel):
        assert spelling_of(ARGUMENTS[kind]).read((name, None) for name in spelt) == dict.fromkeys(names)
    assert isinstance(spelling_of(ARGUMENTS[kind]).read([("nonsense", 1)]), Refusal)

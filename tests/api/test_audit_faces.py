"""``/v1/audit`` and ``/v1/history``: what they answer, to whom, and page by page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.festival import ROOT, Festival, open_festival


async def ask(festival: Festival, path: str, **query: Any) -> Any:
    """What an admin is answered."""
    reply = await festival.client.get(path, params=query, headers=festival.admin)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_who_what_when_before_and_after(festival: Festival) -> None:
    here, there = await festival.slot(), await festival.slot()
    claim = (await festival.reserve(here, await festival.person(), contact="x@example.org"))["reservation_id"]
    await festival.change(claim, action="move", slot_id=there)
    entries = (await ask(festival, "/v1/audit", row=claim))["entries"]
    moved, made = entries
    assert [entry["kind"] for entry in entries] == ["reservation.move", "reservation.reserve"], "the newest first"
    assert (made["actor"], made["principal"], made["status"]) == ("public", "public", "applied")
    assert made["args"]["contact"] == "x@example.org", "an admin sees how to reach somebody"
    assert moved["actor"] == "Grace"
    assert moved["principal"].startswith("staff:")
    assert moved["words"][6:] == (
        "Grace moved Ada Okafor from Piano solo, grade 5 Sun 14 Mar 07:00 (Room A) to Sun 14 Mar 08:00 (Room A)"
    )
    (claim_change,) = [change for change in moved["changes"] if change["id"] == claim]
    assert {"column": "slot_id", "before": here, "after": there} in claim_change["columns"]
    assert (claim_change["table"], claim_change["new"], claim_change["name"]) == (
        "slot_reservations", False, "Ada Okafor",
    )  # fmt: skip


async def test_a_history_from_the_oldest_on(festival: Festival) -> None:
    slot, ada = await festival.slot(), await festival.person()
    claim = (await festival.reserve(slot, ada))["reservation_id"]
    await festival.change(claim, action="check_in")
    await festival.change(claim, action="move", slot_id=slot)
    found = await ask(festival, f"/v1/history/{claim}")
    place = "Piano solo, grade 5 Sun 14 Mar 07:00 (Room A)"
    assert [entry["words"][6:] for entry in found["entries"]] == [
        f"A visitor reserved {place} for Ada Okafor",
        "Grace checked in Ada Okafor",
        f"Grace asked to move Ada Okafor to {place}: refused, the reservation is in that slot already",
    ]
    assert [entry["status"] for entry in found["entries"]] == ["applied", "applied", "rejected"]
    for row in (slot, ada, festival.event, festival.room):
        assert (await ask(festival, f"/v1/history/{row}"))["entries"], row


async def test_pages_shift_by_nothing(festival: Festival) -> None:
    slot = await festival.slot(capacity=9)
    for _ in range(5):
        await festival.reserve(slot)
    whole = [entry["number"] for entry in (await ask(festival, "/v1/audit", row=slot))["entries"]]
    found, query = [], {"row": slot, "limit": 2}
    while True:
        page = await ask(festival, "/v1/audit", **query)
        found += [entry["number"] for entry in page["entries"]]
        if "next" not in page:
            break
        query["after"] = page["next"]
        await festival.reserve(slot)  # what comes meanwhile is newer than every page that is left
    assert found == whole == sorted(whole, reverse=True)


async def test_filters_by_who_what_when_and_verdict(festival: Festival) -> None:
    slot = await festival.slot()
    claim = (await festival.reserve(slot))["reservation_id"]
    await festival.client.post(f"/v1/slots/{slot}/reserve", json={"reserved_name": "Late"})
    await festival.change(claim, action="check_in")

    async def kinds(**query: Any) -> list[str]:
        return [entry["kind"] for entry in (await ask(festival, "/v1/audit", row=slot, **query))["entries"]]

    assert await kinds(status="rejected") == ["reservation.reserve"]
    assert await kinds(actor="Grace", kind="attendance.arrive") == ["attendance.arrive"]
    assert await kinds(kind="reservation.cancel") == []
    assert await kinds(**{"from": "2199-01-01T00:00:00Z"}) == []
    assert await kinds(to="2001-01-01T00:00:00Z") == []
    assert len(await kinds(**{"from": "2001-01-01T00:00:00Z"}, to="2199-01-01T00:00:00Z")) >= 3
    assert await kinds(principal="public", order="oldest") == ["reservation.reserve"] * 2


@pytest.mark.parametrize(
    "query", ["row=x", "status=maybe", "from=yesterday", "from=2027-01-01T00:00:00", "limit=0", "after=!", "order=x",
              "who=Ada"],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(festival: Festival, query: str) -> None:
    reply = await festival.client.get(f"/v1/audit?{query}", headers=festival.admin)
    assert (reply.status_code, reply.json()["error_code"]) == (422, "INVALID"), reply.text


async def test_both_are_for_admins_of_that_programme(festival: Festival) -> None:
    slot = await festival.slot()
    other = await open_festival(festival.client, "Another")
    for path in (f"/v1/audit?row={slot}", f"/v1/history/{slot}"):
        assert (await festival.client.get(path)).status_code == 401
        assert (await festival.client.get(path, headers=festival.manager)).status_code == 403
        assert (await festival.client.get(path, headers=ROOT)).json()["entries"], "root sees all programmes"
    assert (await festival.client.get(f"/v1/audit?row={slot}", headers=other.admin)).json()["entries"] == []
    reply = await festival.client.get(f"/v1/history/{slot}", headers=other.admin)
    assert (reply.status_code, reply.json()["details"]) == (404, {"id": slot})

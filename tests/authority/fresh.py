"""A fresh programme at a centre, with the small festival on which any commands are tried."""

from __future__ import annotations

from typing import Any

from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import EventSlot
from tests.anything.ground import NOBODY, ground
from tests.anything.rows import tables
from tests.authority.centre import ROOT, Centre, envelope, ok


async def fresh_programme(c: Centre, seed: str, **settings: Any) -> Id:
    """Make one by commands whose ids follow from *seed*, and have the centre's next commands be about it."""
    c.programme = derived_id(NOBODY, f"{seed} programme")
    made = envelope("programme.create", {"name": "A day", "settings": settings}, id=c.programme)
    ok(await c.authority.submit(ROOT, made))
    names: dict[str, Id] = {}
    for name, kind, args in ground(seed):
        said = {key: names[v[1:]] if isinstance(v, str) and v.startswith("@") else v for key, v in args.items()}
        names[name] = derived_id(NOBODY, f"{seed} {name}")
        ok(await c.submit(kind, said, id=names[name]))
    state = await tables(c.sql, c.programme)
    for slot in sorted(state.rows[EventSlot].values(), key=lambda slot: slot.id):
        if slot.event_id == names["seated"]:
            ok(await c.submit("slot.open_seats", {"slot_id": slot.id}, id=derived_id(slot.id, seed)))
    return c.programme

"""A process that queues commands as fast as it can and prints each id once it is acknowledged: to be killed."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from desktop.store.desk_store import Store, Submitted, Wish
from desktop.store.worker import ThreadWorker
from server_sync.protocol.ids import new_id
from server_sync.rules import attend
from tests.store.identity import identity


async def main(folder: Path) -> None:
    """Queue until killed."""
    store = await Store.open(folder / "outbox.db", folder / "cache.db", ThreadWorker(), lambda: datetime.now(UTC))
    assert isinstance(store, Store)
    if store.identity is None:
        await store.enrol(identity())
    print("ready", flush=True)
    while True:
        done = await store.submit(Wish("attendance.arrive", attend.Args(reservation_id=new_id())))
        assert isinstance(done, Submitted)
        print(done.id, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

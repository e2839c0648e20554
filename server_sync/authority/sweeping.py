"""Taking words out of the search of which the last bearer left, and those that came twice.

A transaction of its own, which holds nothing else. Nobody's command depends on it: what fails is tried again later.
"""

from __future__ import annotations

import logging
from typing import Final

import asyncpg

from server_sync.authority.connection import Connection
from server_sync.authority.faults import LOST, TRANSIENT

log = logging.getLogger(__name__)

_ANYTHING: Final = """
SELECT EXISTS (SELECT 1 FROM search_words_left)
    OR EXISTS (SELECT 1 FROM search_words GROUP BY programme_id, word HAVING count(*) > 1)
"""


async def sweep_words(connection: Connection) -> bool:
    """Sweep if there is anything to sweep; False if somebody is writing names just now, or the database could not."""
    try:
        if not await connection.fetchval(_ANYTHING):
            return True
        swept: bool = await connection.fetchval("SELECT sweep_search_words()")
    except (*LOST, *TRANSIENT) as error:
        log.info("words of the search are left to the next sweep: %s", error)
        return False
    except asyncpg.PostgresError:
        log.exception("sweeping the words of the search failed")
        return False
    return swept

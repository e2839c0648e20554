"""Whom a desk can find, in an FTS5 index in memory: the candidates for ``rules/search.py``.

In memory, since a desk must find whoever it has just written in itself, whom ``cache.db`` learns of only from the
centre; and since it is made in a moment from rows that are there anyway.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from server_sync.protocol.ids import Id, read_ref
from server_sync.rules.alike import Words
from server_sync.rules.folding import spellings
from server_sync.rules.search import (
    Answer,
    Ask,
    ByCode,
    Each,
    Entry,
    Found,
    Resembling,
    Stage,
    find,
    in_turn,
    key,
    tokens,
)

_TABLES: Final = """
CREATE TABLE people (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL);
CREATE INDEX people_in_order ON people (key, id);
CREATE VIRTUAL TABLE tokens USING fts5 (said, tokenize = 'ascii', detail = 'none', columnsize = 0, prefix = '2 3 4');
"""
"""Tokens are folded already: the plainest tokenizer takes every letter beyond ASCII as it is."""


class PeopleIndex:
    """Everybody who can be found. Used by one thread at a time."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._database.executescript(_TABLES)
        self._entries: dict[Id, Entry] = {}
        self._words: Counter[str] = Counter()
        self._vocabulary: Words | None = None
        self._codes: dict[str, set[Id]] = {}
        self._database.execute("BEGIN")
        for entry in entries:
            self.put(entry)
        self._database.execute("COMMIT")

    def __del__(self) -> None:
        self._database.close()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: Entry) -> None:
        """Add *entry*, or change what it is found by."""
        known = self._entries.get(entry.id)
        if known == entry:
            return
        if known is not None:
            self.remove(entry.id)
        self._entries[entry.id] = entry
        self._words.update(spellings(entry.name))
        self._vocabulary = None
        for code in _codes(entry):
            self._codes.setdefault(code, set()).add(entry.id)
        made = self._database.execute("INSERT INTO people (id, key) VALUES (?, ?)", (entry.id, key(entry.name)))
        text = " ".join(tokens(entry))
        self._database.execute("INSERT INTO tokens (rowid, said) VALUES (?, ?)", (made.lastrowid, text))

    def remove(self, id: Id) -> None:
        """Forget the entry with that id, if there is one."""
        entry = self._entries.pop(id, None)
        if entry is None:
            return
        self._vocabulary = None
        for word in spellings(entry.name):
            self._words[word] -= 1
            if not self._words[word]:
                del self._words[word]
        for code in _codes(entry):
            self._codes[code].discard(id)
        (row,) = self._database.execute("SELECT row FROM people WHERE id = ?", (id,)).fetchone()
        self._database.execute("DELETE FROM tokens WHERE rowid = ?", (row,))
        self._database.execute("DELETE FROM people WHERE row = ?", (row,))

    def search(self, text: str, limit: int) -> list[Found]:
        """The best matches for *text*, best first, at most *limit*; none for an empty text."""
        search = find(text, limit)
        try:
            asked = next(search)
            while True:
                asked = search.send(self._answer(asked))
        except StopIteration as done:
            found: list[Found] = done.value
            return found

    def _answer(self, asked: Ask) -> Answer:
        if isinstance(asked, Resembling):
            if self._vocabulary is None:
                self._vocabulary = Words(self._words)
            return [self._vocabulary] * len(asked.each)
        return list(in_turn(asked, self._of))

    def _of(self, stage: Stage | ByCode) -> list[Entry]:
        if isinstance(stage, ByCode):
            ref = read_ref(stage.text)
            ids = self._codes.get(stage.text, set()) | (self._codes.get(ref, set()) if ref is not None else set())
            borne = sorted((self._entries[id] for id in ids), key=lambda entry: (key(entry.name), entry.id))
            return borne[: stage.limit]
        found = self._database.execute(*_statement(stage))
        return [self._entries[id] for (id,) in found]


def _codes(entry: Entry) -> list[str]:
    return [code for code in (entry.external_id, entry.ref) if code]


def _statement(stage: Stage) -> tuple[str, list[Any]]:
    """A SELECT of the ids that *stage* asks for."""
    conditions, given, order = ["true"], list[Any](), ["0"]
    if stage.each:
        conditions.append(_HAS)
        given.append(_match(stage.each))
    if stage.but is not None:
        conditions.append(f"NOT {_HAS}")
        given.append(_match(stage.but))
    if stage.span is not None:
        conditions.append("key >= ? AND key < ?")
        given += stage.span
    for either, more in stage.costs:
        order.append(f"CASE WHEN {_HAS} THEN 0 ELSE {more:d} END")
        given.append(_match((either,)))
    if stage.first:
        order.append("(substr(key, 1, ?) <> ?)")
        given += [len(stage.first), stage.first]
    cost = f"{' + '.join(order)}, " if len(order) > 1 else ""
    given.append(stage.limit)
    return f"SELECT id FROM people WHERE {' AND '.join(conditions)} ORDER BY {cost}key, id LIMIT ?", given


_HAS: Final = "row IN (SELECT rowid FROM tokens WHERE tokens MATCH ?)"


def _match(each: Each) -> str:
    """Terms as FTS5 reads them. Tokens are folded: there is no quote in them."""
    eithers = (" OR ".join(f'"{term.token}"' + " *" * term.begins for term in either) for either in each)
    return " AND ".join(f"({either})" for either in eithers)

"""Finding people as somebody types: any word order, from the first letter, slips forgiven, always in the same order.

All is in memory: a sorted list of words whose ranges are prefixes, and for each word the entries that bear it. Where
few are found so, words that contain what was typed, or nearly begin like it, count as well.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from server_sync.protocol.ids import Id
from server_sync.rules.folding import Word, fold, spellings, words

FEW: Final = 5
"""With fewer exact matches than this, slips are looked for."""
_LAST: Final = "\U0010ffff"
_MOST_WORDS: Final = 6
_SHORTEST_SLIP: Final = 3
_SHORTEST_OTHER: Final = 2

Rank = float
"""An entry's place in the order by name and id; it stands for the entry in every set."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody to be found: by name, or by ``others`` (school, external id, …), which count less."""

    id: Id
    name: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A match. ``spans`` are (start, length) within the name; a smaller ``score`` is a better match."""

    id: Id
    name: str
    score: tuple[int, int]
    spans: tuple[tuple[int, int], ...]


class _Words:
    """Words in order, with the entries that bear each."""

    def __init__(self) -> None:
        self.sorted: list[str] = []
        self.bearers: dict[str, set[Rank]] = {}
        self._starts: dict[int, list[str]] = {}  # by length, for as long as no word comes or goes

    def fill(self, pairs: Iterable[tuple[str, Rank]]) -> None:
        """Add many at once."""
        for word, rank in pairs:
            self.bearers.setdefault(word, set()).add(rank)
        self.sorted = sorted(self.bearers)

    def add(self, word: str, rank: Rank) -> None:
        if word not in self.bearers:
            self.bearers[word] = set()
            insort(self.sorted, word)
            self._starts.clear()
        self.bearers[word].add(rank)

    def discard(self, word: str, rank: Rank) -> None:
        bearers = self.bearers.get(word)
        if bearers is None:
            return
        bearers.discard(rank)
        if not bearers:
            del self.bearers[word]
            del self.sorted[bisect_left(self.sorted, word)]
            self._starts.clear()

    def beginning(self, start: str) -> list[str]:
        """The words that begin with *start*."""
        return self.sorted[bisect_left(self.sorted, start) : bisect_left(self.sorted, start + _LAST)]

    def union(self, some: Iterable[str]) -> set[Rank]:
        """Everybody who bears one of the words *some*."""
        return set().union(*(self.bearers[word] for word in some))

    def resembling(self, typed: str) -> list[set[Rank]]:
        """Who bears a word that begins like *typed*; one that contains it or begins a slip away; two slips away."""
        near: list[set[str]] = [set(self.beginning(typed)), set(), set()]
        if len(typed) >= _SHORTEST_SLIP:
            near[1].update(word for word in self.sorted if typed in word)
            slips = 1 if len(typed) < 6 else 2
            for length in range(len(typed) - 1, len(typed) + 2):
                starts = self._starts_of(length)
                alike = process.extract(typed, starts, scorer=OSA.distance, score_cutoff=slips, limit=None)
                for start, distance, _ in alike:
                    near[int(distance)].update(self.beginning(start))
        return [self.union(some) for some in near]

    def _starts_of(self, length: int) -> list[str]:
        if length not in self._starts:
            self._starts[length] = list(dict.fromkeys(word[:length] for word in self.sorted))
        return self._starts[length]


class PeopleIndex:
    """Everybody who can be found. 100,000 entries take a few milliseconds a key."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._fill(entries)

    def _fill(self, entries: Iterable[Entry]) -> None:
        ordered = sorted(((fold(entry.name), entry.id, entry) for entry in entries), key=lambda item: item[:2])
        self._order: list[tuple[str, Id, Rank]] = []
        self._entries: dict[Rank, Entry] = {}
        self._ranks: dict[Id, Rank] = {}
        self._names, self._others = _Words(), _Words()
        for number, (folded, id, entry) in enumerate(ordered):
            rank = float(number)
            self._order.append((folded, id, rank))
            self._entries[rank] = entry
            self._ranks[id] = rank
        self._names.fill((word, rank) for rank, entry in self._entries.items() for word in spellings(entry.name))
        self._others.fill((word, rank) for rank, entry in self._entries.items() for word in _other_words(entry))

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: Entry) -> None:
        """Add *entry*, or change what it is found by."""
        known = self._ranks.get(entry.id)
        if known is not None:
            if self._entries[known] == entry:
                return
            self.remove(entry.id)
        rank = self._rank_for(fold(entry.name), entry.id)
        self._entries[rank] = entry
        self._ranks[entry.id] = rank
        for word in spellings(entry.name):
            self._names.add(word, rank)
        for word in _other_words(entry):
            self._others.add(word, rank)

    def remove(self, id: Id) -> None:
        """Forget the entry with that id, if there is one."""
        rank = self._ranks.pop(id, None)
        if rank is None:
            return
        entry = self._entries.pop(rank)
        at = bisect_left(self._order, (fold(entry.name), id, rank))
        del self._order[at]
        for word in spellings(entry.name):
            self._names.discard(word, rank)
        for word in _other_words(entry):
            self._others.discard(word, rank)

    def _rank_for(self, folded: str, id: Id) -> Rank:
        """A rank between those of its neighbours; all are dealt anew when two neighbours come too close."""
        at = bisect_left(self._order, (folded, id, -1.0))
        low = self._order[at - 1][2] if at else (self._order[0][2] - 2.0 if self._order else 0.0)
        high = self._order[at][2] if at < len(self._order) else low + 2.0
        rank = (low + high) / 2
        if not low < rank < high:
            self._fill(list(self._entries.values()))
            return self._rank_for(folded, id)
        self._order.insert(at, (folded, id, rank))
        return rank

    def search(self, text: str, limit: int) -> list[Found]:
        """The best matches for *text*, best first, at most *limit*; none for an empty text."""
        typed = [word.text for word in words(text)][:_MOST_WORDS]
        if not typed or limit < 1:
            return []
        found = self._exact(typed, limit)
        if len(found) < min(FEW, limit):
            known = {rank for _, rank in found}
            found += [((3, slips), rank) for slips, rank in self._near(typed, known, limit - len(found))]
        return [self._found(rank, score, typed) for score, rank in found[:limit]]

    def _exact(self, typed: list[str], limit: int) -> list[tuple[tuple[int, int], Rank]]:
        """Those who have a word for every typed one: all in the name, then some of them, then none."""
        in_names = [self._names.union(self._names.beginning(word)) for word in typed]
        names = set.intersection(*in_names)
        found = self._scored(names, typed, 0, limit)
        if len(found) >= limit or max(map(len, typed)) < _SHORTEST_OTHER:
            return found
        in_others = [self._others.union(self._others.beginning(word)) for word in typed]
        everywhere = set.intersection(*(a | b for a, b in zip(in_names, in_others, strict=True))) - names
        some = everywhere & set().union(*in_names)
        found += self._scored(some, typed, 1, limit - len(found))
        found += [((2, 0), rank) for rank in nsmallest(limit - len(found), everywhere - some)]
        return found

    def _scored(self, ranks: set[Rank], typed: list[str], tier: int, limit: int) -> list[tuple[tuple[int, int], Rank]]:
        """The best *limit* of *ranks*: whole words before beginnings, the name's first word before others."""
        if limit < 1 or not ranks:
            return []
        whole = [self._names.bearers.get(word, set()) for word in typed]
        first = self._first_words(typed[0])
        if len(typed) == 1:  # thousands bear a letter: sets are quicker than scoring each
            return self._by_sets(ranks, whole[0], {rank for rank in ranks if rank in first}, tier, limit)
        scored = ((2 * sum(rank not in exact for exact in whole) + (rank not in first), rank) for rank in ranks)
        return [((tier, score), rank) for score, rank in nsmallest(limit, scored)]

    def _by_sets(
        self, ranks: set[Rank], whole: set[Rank], first: set[Rank], tier: int, limit: int
    ) -> list[tuple[tuple[int, int], Rank]]:
        """As ``_scored``, for one typed word."""
        found: list[tuple[tuple[int, int], Rank]] = []
        whole = whole & ranks
        for score, level in enumerate((whole & first, whole - first, first - whole, ranks - first - whole)):
            if len(found) < limit:
                found += [((tier, score), rank) for rank in nsmallest(limit - len(found), level)]
        return found

    def _first_words(self, word: str) -> range | _Between:
        """The ranks of those whose name begins with *word*: neighbours, since ranks follow names."""
        low = bisect_left(self._order, (word, "", -1.0))
        high = bisect_left(self._order, (word + _LAST, "", -1.0))
        if low == high:
            return range(0)
        return _Between(self._order[low][2], self._order[high - 1][2])

    def _near(self, typed: list[str], known: set[Rank], limit: int) -> list[tuple[int, Rank]]:
        """Those who are found with a few slips, fewest first."""
        levels = [self._names.resembling(word) for word in typed]
        ranks = set.intersection(*(set().union(*level) for level in levels)) - known
        slips = ((sum(_first_with(level, rank) for level in levels), rank) for rank in ranks)
        return nsmallest(limit, slips)

    def _found(self, rank: Rank, score: tuple[int, int], typed: list[str]) -> Found:
        entry = self._entries[rank]
        spans = sorted({span for word in typed if (span := _span(words(entry.name), word)) is not None})
        return Found(entry.id, entry.name, score, tuple(spans))


@dataclass(frozen=True, slots=True)
class _Between:
    """The ranks from ``low`` to ``high``."""

    low: Rank
    high: Rank

    def __contains__(self, rank: object) -> bool:
        return isinstance(rank, float) and self.low <= rank <= self.high


def _first_with(level: list[set[Rank]], rank: Rank) -> int:
    return next(slips for slips, ranks in enumerate(level) if rank in ranks)


def _other_words(entry: Entry) -> set[str]:
    return {word for other in entry.others for word in spellings(other)}


def _span(name: list[Word], typed: str) -> tuple[int, int] | None:
    """Where *typed* shows in a name: the beginning of a word, else within one, else all of a word that resembles it."""
    for word in name:
        if word.text.startswith(typed):
            return _letters(word, 0, len(typed))
    for word in name:
        at = word.text.find(typed)
        if at >= 0 and len(typed) >= _SHORTEST_SLIP:
            return _letters(word, at, len(typed))
    if len(typed) < _SHORTEST_SLIP:
        return None
    for word in name:
        if OSA.distance(word.text[: len(typed)], typed, score_cutoff=2) <= 2:
            return _letters(word, 0, len(word.text))
    return None


def _letters(word: Word, start: int, count: int) -> tuple[int, int]:
    first, last = word.places[start][0], word.places[start + count - 1][1]
    return first, last - first

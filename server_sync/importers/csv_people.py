"""A list of people as CSV: one row a person, the header in the first row.

=============  ======================================================================================
column         also written
=============  ======================================================================================
id             external_id, person_id, participant_id, student_id, competitor_id, registration_id, code
first_name     first, firstname, given_name, forename
last_name      last, lastname, surname, family_name
display_name   name, full_name, fullname, person, participant
school         organisation, organization, institution, club, company
grade          year_group, form
age
group          group_name, ensemble, team, band, choir
contact        every column whose name speaks of mail, phone, address, parents or emergencies
=============  ======================================================================================

Other columns are kept as metadata, and named once in a note. Without a column of ids, a column ending in ``_id`` that
is filled and different in every row serves as one (noted); failing that, a person is known by name, school and grade.
A row without any name is refused; two rows that say the same person are both taken and reported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from server_sync.importers.csv_table import Row, column_name, open_table
from server_sync.importers.reading import Source
from server_sync.importers.text import folded, key_of, name_of, problem, whole_number
from server_sync.protocol.imports import Import, ImportGroup, ImportPerson, ImportRefused, Place, Problem

_ALIASES = {
    "id": "id external_id person_id participant_id student_id competitor_id registration_id code",
    "first_name": "first_name first firstname given_name forename",
    "last_name": "last_name last lastname surname family_name",
    "display_name": "display_name name full_name fullname person participant",
    "school": "school organisation organization institution club company",
    "grade": "grade year_group form",
    "age": "age",
    "group": "group group_name ensemble team band choir",
}
ALIASES = {alias: column for column, names in _ALIASES.items() for alias in names.split()}
_CONTACT = re.compile(r"(^|_)(e_?mail|mail|phone|telephone|mobile|address|contact|parent|guardian|emergency)s?(_|$)")


def knows(header: Iterable[str]) -> bool:
    """Whether a header can be a list of people: it has a column of names."""
    columns = {ALIASES.get(column_name(cell)) for cell in header}
    return bool(columns & {"first_name", "last_name", "display_name"})


def read(source: Source) -> Import | ImportRefused:
    """Read a list of people; refused where no column holds names."""
    problems = list(source.problems)
    table = open_table(source.file, source.text, ALIASES, problems)
    if not set(table.known) & {"first_name", "last_name", "display_name"}:
        found = ", ".join((*table.known, *table.unknown)) or "nothing"
        reason = f"its first row names no column of names; it says: {found[:200]}"
        return source.refused(
            "no_header", reason, "put a first row above the list with name, or first_name and last_name"
        )
    rows = list(table.rows)
    id_column = None if "id" in table.known else _id_column(table.unknown, rows)
    _note_columns(source.file, table.unknown, id_column, problems)
    people = _People(source.file, table.unknown, id_column, problems)
    for row in rows:
        people.add(row)
    return Import(
        file=source.file,
        file_hash=source.file_hash,
        format="csv-people",
        people=tuple(people.people.values()),
        groups=tuple(people.groups.values()),
        problems=tuple(problems),
    )


class _People:
    """Collects people and their groups from rows."""

    def __init__(self, file: str, unknown: Iterable[str], id_column: str | None, problems: list[Problem]) -> None:
        self.file = file
        self.id_column = id_column
        self.problems = problems
        self.contact = tuple(name for name in unknown if _CONTACT.search(column_name(name)))
        self.people: dict[str, ImportPerson] = {}
        self.groups: dict[str, ImportGroup] = {}
        self.repeats: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        """Add the person of a row, or say why not."""
        place = Place(file=self.file, line=row.line)
        first, last = name_of(row.get("first_name")), name_of(row.get("last_name"))
        name = name_of(row.get("display_name")) or f"{first} {last}".strip()
        if not name:
            reason, advice = "it has no name at all", "left out; add a name and read the file again"
            subject = ", ".join((*row.cells.values(), *row.others.values()))
            self.problems.append(problem("refused", "no_name", place, subject, reason, advice))
            return
        if not first and not last and name.count(",") == 1:
            reason, advice = "one column holds both names", "put them into first_name and last_name; taken as written"
            self.problems.append(problem("doubtful", "both_names", place, name, reason, advice))
        external_id = key_of(row.get("id") or row.others.get(self.id_column or "", "")) or None
        if external_id in self.people and folded(self.people[external_id].display_name) == folded(name):
            reason = f"the same id and name as line {self.people[external_id].place.line}, which counts"
            self.problems.append(problem("doubtful", "twice", place, name, reason, "leave one of the two lines out"))
            return
        key = self._key(external_id, name, row, place)
        self.people[key] = ImportPerson(
            key=key,
            external_id=key if external_id else None,
            first_name=first,
            last_name=last,
            display_name=name,
            school=name_of(row.get("school")),
            grade=name_of(row.get("grade")),
            age=self._age(row, name, place),
            contact=self._contact(row),
            group=self._group(row, place),
            metadata={
                column: value
                for column, value in row.others.items()
                if column != self.id_column and column not in self.contact
            },
            place=place,
        )

    def _key(self, external_id: str | None, name: str, row: Row, place: Place) -> str:
        """A key that no other row has: the id, else name, school and grade; numbered where that is taken."""
        key = external_id or "name:" + key_of(folded("|".join((name, row.get("school"), row.get("grade")))).strip("|"))
        known = self.people.get(key)
        if known is None:
            return key
        line = known.place.line
        if external_id:
            code, reason = "same_id", f"the id {external_id} is that of {known.display_name} in line {line}"
            advice = "both came in, this one under a made-up id; give each an id of their own"
        else:
            code, reason = "same_name", f"same name, school and grade as line {line}; both came in"
            advice = "nothing, if they are two people; else merge them, or give ids"
        self.problems.append(problem("doubtful", code, place, name, reason, advice))
        self.repeats[key] += 1
        return f"{key}#{self.repeats[key] + 1}"

    def _age(self, row: Row, name: str, place: Place) -> int | None:
        """The age in whole years, where it is one."""
        written = row.get("age")
        age = whole_number(written)
        if written and (age is None or age > 130):
            reason, advice = f"the age “{written[:40]}” is no number of years; left blank", "correct the age"
            self.problems.append(problem("doubtful", "age", place, name, reason, advice))
            return None
        return age

    def _contact(self, row: Row) -> str:
        """All ways to reach the person in one text; a single one goes without its column's name."""
        ways = [(column, row.others[column]) for column in self.contact if column in row.others]
        if len(ways) == 1:
            return ways[0][1]
        return ", ".join(f"{column}: {value}" for column, value in ways)

    def _group(self, row: Row, place: Place) -> str | None:
        """The key of the row's group, which is its name."""
        name = name_of(row.get("group"))
        if not name:
            return None
        key = key_of(name)
        school = name_of(row.get("school"))
        known = self.groups.setdefault(key, ImportGroup(key=key, name=name, school=school, place=place))
        if known.school != school:  # members of several schools: the group belongs to none
            self.groups[key] = ImportGroup(key=key, name=name, place=known.place)
        return key


def _id_column(unknown: Iterable[str], rows: list[Row]) -> str | None:
    """The first column ending in ``_id`` that is filled and different in every row, of two rows at least."""
    if len(rows) < 2:
        return None
    for column in unknown:
        if not column_name(column).endswith("_id"):
            continue
        counts = Counter(row.others.get(column, "") for row in rows)
        if "" not in counts and len(counts) == len(rows):
            return column
    return None


def _note_columns(file: str, unknown: Iterable[str], id_column: str | None, problems: list[Problem]) -> None:
    """Name the columns that the model does not have, and the one that serves as id."""
    place = Place(file=file, line=1)
    if id_column is not None:
        reason = f"“{id_column}” is filled and different in every row, so it serves as id"
        problems.append(problem("note", "id_column", place, id_column, reason, "nothing, or add a column id"))
    others = [column for column in unknown if column != id_column]
    if others:
        reason = f"kept beside the person, since no column here has that name: {', '.join(others)}"
        advice = "nothing, or rename a column whose name should be known"
        problems.append(problem("note", "unknown_columns", place, f"{len(others)} columns", reason, advice))

"""The two kinds of import-linter contract that pyproject.toml uses: lists of what is allowed.

import-linter's own `forbidden` contract lists what is not allowed, so a new room would be open to everybody until
somebody remembered it. These two read direct imports only: a page reaches the store through its view-model, which is
right, and a chain is as sound as each of its links.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Link = tuple[str, str]  # importer, imported


def _is_inside(module: str, rooms: Iterable[str]) -> bool:
    """Whether a module is one of the rooms or lies in one of them."""
    return any(module == room or module.startswith(room + ".") for room in rooms)


def _texts(field: object) -> set[str]:
    """What was written for a field: import-linter puts the parsed values where the class declares the parser."""
    return {str(value) for value in cast(Iterable[object], field)}


def _expand(graph: ImportGraph, field: object) -> set[str]:
    """The modules that a field's expressions name; a room that is not built yet is simply not there."""
    names: set[str] = set()
    for expression in _texts(field):
        names |= set(graph.find_matching_modules(expression)) if "*" in expression else {expression} & graph.modules
    return names


def _result(graph: ImportGraph, links: Iterable[Link]) -> ContractCheck:
    """Kept without a wrong link, else broken with each link and its lines."""
    wrong = [
        (
            importer,
            imported,
            sorted(detail["line_number"] for detail in graph.get_import_details(importer=importer, imported=imported)),
        )
        for importer, imported in sorted(set(links))
    ]
    return ContractCheck(kept=not wrong, metadata={"wrong": wrong})


class _AllowListContract(Contract):
    """What both contracts share: how a breach is told."""

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import that is not allowed, with its lines."""
        for importer, imported, lines in check.metadata["wrong"]:
            where = ", ".join(f"l.{line}" for line in lines)
            output.print_error(f"{importer} may not import {imported} ({where})", bold=False)
        output.new_line()


class RoomContract(_AllowListContract):
    """A room imports itself, what `may_import` lists, and nothing else of ours.

    rooms: the packages that the rule is for; a wildcard makes each match a room of its own.
    except_modules: modules in the room that have a rule of their own; the room may import them.
    may_import: packages of ours that it may import.
    """

    type_name = "room"

    rooms = fields.SetField(subfield=fields.ModuleExpressionField())
    except_modules = fields.SetField(subfield=fields.ModuleExpressionField(), required=False, default=frozenset())
    may_import = fields.SetField(subfield=fields.ModuleExpressionField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find every direct import from a room to a package of ours that it may not see."""
        roots = self.session_options["root_packages"]
        apart = _expand(graph, self.except_modules)
        allowed = _texts(self.may_import)
        links: list[Link] = []
        for room in _expand(graph, self.rooms):
            members = {module for module in graph.modules if _is_inside(module, [room])}
            for importer in members - {module for module in members if _is_inside(module, apart)}:
                links += [
                    (importer, imported)
                    for imported in graph.find_modules_directly_imported_by(importer)
                    if _is_inside(imported, roots) and not _is_inside(imported, {room, *allowed})
                ]
        return _result(graph, links)


class GuestContract(_AllowListContract):
    """A third-party package is imported in the rooms that `only_in` lists and nowhere else."""

    type_name = "guest"

    packages = fields.SetField(subfield=fields.StringField())
    only_in = fields.SetField(subfield=fields.ModuleExpressionField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find every direct import of the packages from outside their rooms."""
        return _result(graph, self._links(graph, _texts(self.only_in)))

    def _links(self, graph: ImportGraph, allowed: set[str]) -> Iterator[Link]:
        for package in sorted(_texts(self.packages) & graph.modules):
            for importer in graph.find_modules_that_directly_import(package):
                if not _is_inside(importer, allowed):
                    yield importer, package

"""XML to a small tree whose elements know their line, and nothing more than a schedule needs.

No document type, no entity of its own, no external reference is ever followed: a file that declares any is refused.
Elements nested deeper than `DEPTH` are refused too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from server_sync.importers.text import clean

DEPTH = 64


@dataclass
class Element:
    """An element: its name without a namespace prefix, attributes, own text (all of it joined), children and line."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The element's own text, clean."""
        return clean("".join(self.texts))

    def first(self, tag: str) -> Element | None:
        """The first child of that name."""
        return next((child for child in self.children if child.tag == tag), None)

    def all(self, tag: str) -> list[Element]:
        """All children of that name."""
        return [child for child in self.children if child.tag == tag]

    def text_of(self, tag: str) -> str:
        """The text of the first child of that name; empty where there is none."""
        child = self.first(tag)
        return "" if child is None else child.text

    def value(self) -> Any:
        """The element as JSON: its text, or an object of its attributes, children (a list where repeated) and text."""
        if not self.attributes and not self.children:
            return self.text
        found: dict[str, Any] = {name: clean(text) for name, text in self.attributes.items()}
        for child in self.children:
            value = child.value()
            if value in ("", {}):
                continue
            if child.tag not in found:
                found[child.tag] = value
            elif isinstance(found[child.tag], list):
                found[child.tag].append(value)
            else:
                found[child.tag] = [found[child.tag], value]
        if self.text:
            found["text"] = self.text
        return {name: value for name, value in found.items() if value != ""}


@dataclass(frozen=True)
class BadXml:
    """Why and where the XML can't be read; line and column count from 1."""

    reason: str
    line: int
    column: int


class _Forbidden(Exception):
    """Stops the parser from within a handler."""


class _Builder:
    """Expat's handlers: they build the tree, and refuse what is not allowed."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._forbid
        self.parser.EntityDeclHandler = self._forbid
        self.parser.ExternalEntityRefHandler = self._forbid
        self.root: Element | None = None
        self._open: list[Element] = []

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= DEPTH:
            raise _Forbidden(f"elements are nested deeper than {DEPTH}")
        element = Element(name.rpartition(":")[2], attributes, self.parser.CurrentLineNumber)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def _forbid(self, *_: object) -> int:
        raise _Forbidden("it declares a document type or entities, which are never read for safety")


def parse(text: str) -> Element | BadXml:
    """The root element of the text (whose encoding declaration no longer counts), or why it can't be read."""
    builder = _Builder()
    try:
        builder.parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        return BadXml(expat.ErrorString(error.code), error.lineno, error.offset + 1)
    except _Forbidden as reason:
        return BadXml(str(reason), builder.parser.CurrentLineNumber, builder.parser.CurrentColumnNumber + 1)
    if builder.root is None:
        return BadXml("it has no element", 1, 1)
    return builder.root

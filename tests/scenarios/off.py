"""Turning one thing off for one test, to see that the test notices.

A thing is named by its kind and its name, and a text names one thing or several joined by `` + ``. What the kinds
mean is told in ``conftest.py``, for whoever writes a scenario.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI

from server_sync.rules.registry import RULES

OURS: Final = ("server_sync", "desktop", "resources", "tests")
_PLAIN: Final = (type(None), bool, int, float, str, bytes, tuple, frozenset)
"""Values that many names share by chance: these are replaced only under the name they were given."""


class CannotTurnOff(Exception):
    """A marker names something that is not there, so that turning it off would prove nothing."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that can be turned off, as ``constraint:event_slots.ck_event_slots_within_capacity``."""

    kind: str
    name: str


KINDS: Final = (
    "command", "face", "part", "constraint", "index", "trigger", "contract", "migration", "environment",
)  # fmt: skip


def read(text: str) -> list[Thing]:
    """The things that *text* names. Raises ``CannotTurnOff`` for a kind that there is not."""
    things = []
    for part in text.split(" + "):
        kind, _, name = part.strip().partition(":")
        if kind not in KINDS or not name:
            raise CannotTurnOff(f"{part!r} is none of {', '.join(kind + ':…' for kind in KINDS)}")
        things.append(Thing(kind, name))
    return things


class Off:
    """What is turned off for one test: the database before it is used, the rest when the test itself begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.things = read(text)
        self._apps: list[FastAPI] = []

    def of(self, kind: str) -> list[str]:
        """The names of the things of that kind."""
        return [thing.name for thing in self.things if thing.kind == kind]

    def before_setup(self, patch: pytest.MonkeyPatch) -> None:
        """What must be off before any fixture is made."""
        for name in self.of("environment"):
            variable, _, value = name.partition("=")
            patch.setenv(variable, value)
        if steps := self.of("migration"):
            _skip_migrations(steps, patch)
        if self.of("face"):
            self._watch_apps(patch)

    def in_database(self) -> Iterator[str]:
        """The statements that turn off what the database itself holds."""
        for name in self.of("constraint"):
            table, _, constraint = name.partition(".")
            yield f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}" CASCADE'
        for name in self.of("index"):
            yield f'DROP INDEX "{name}" CASCADE'
        for name in self.of("trigger"):
            table, _, trigger = name.partition(".")
            yield f'DROP TRIGGER "{trigger}" ON {table}'

    def before_call(self, patch: pytest.MonkeyPatch) -> None:
        """What is off from the moment that the test itself begins; what its fixtures made, they made with it on."""
        for kind in self.of("command"):
            if kind not in RULES:
                raise CannotTurnOff(f"there is no command {kind!r}")
            patch.delitem(RULES, kind)
        for name in self.of("part"):
            _replace(name, patch)
        for app in self._apps:
            self._remove_faces(app)

    def _watch_apps(self, patch: pytest.MonkeyPatch) -> None:
        from server_sync.api.app import create_app
        from server_sync.api.settings import Settings

        for name in self.of("face"):
            if not any(_is_face(route, name) for route in create_app(Settings("postgresql://")).routes):
                raise CannotTurnOff(f"there is no face {name!r}")

        def watched(*args: Any, **more: Any) -> FastAPI:
            app = create_app(*args, **more)
            self._apps.append(app)
            return app

        everywhere(create_app, watched, "create_app", patch)

    def _remove_faces(self, app: FastAPI) -> None:
        for name in self.of("face"):
            app.router.routes[:] = [route for route in app.router.routes if not _is_face(route, name)]


def _is_face(route: Any, name: str) -> bool:
    """Whether *route* is the face ``METHOD /path``; a WebSocket's method is ``WS``."""
    method, _, path = name.partition(" ")
    methods = getattr(route, "methods", None) or {"WS"}
    return method in methods and getattr(route, "path", None) == path


def _skip_migrations(steps: list[str], patch: pytest.MonkeyPatch) -> None:
    """Have the named steps (folders beside the versions, as ``v0001``) run none of their SQL."""
    from server_sync.authority.migrations import script

    run_sql, versions = script.run_sql, Path(script.__file__).with_name("versions")
    for step in steps:
        if not (versions / step).is_dir():
            raise CannotTurnOff(f"there is no migration {step!r}")

    def skipping(folder: Path, *names: str) -> None:
        if folder.name not in steps:
            run_sql(folder, *names)

    patch.setattr(script, "run_sql", skipping)


def _replace(name: str, patch: pytest.MonkeyPatch) -> None:
    """Patch ``package.module:function`` or ``…:Class.attr`` out, with ``=LITERAL`` or ``->package.module:other`` in."""
    target, _, other = name.partition("->")
    target, _, literal = target.partition("=")
    try:
        value = ast.literal_eval(literal) if literal else None
        owner, attribute = _find(target)
        old = inspect.getattr_static(owner, attribute)
        stand_in = getattr(*_find(other)) if other else None
    except (ImportError, AttributeError, ValueError, SyntaxError) as error:
        raise CannotTurnOff(f"part:{name}: {error}") from error
    plain = old.__func__ if isinstance(old, (staticmethod, classmethod)) else old
    new: Any = stand_in if other else _instead(plain, value)
    if inspect.isclass(owner):
        patch.setattr(owner, attribute, staticmethod(new) if callable(plain) and not other else new)
    else:
        patch.setattr(owner, attribute, new)
        everywhere(old, new, attribute, patch)


def _find(target: str) -> tuple[Any, str]:
    """What holds the target, and what it is called there."""
    module_name, _, path = target.partition(":")
    owner: Any = importlib.import_module(module_name)
    *holders, attribute = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    return owner, attribute


def _instead(old: Any, value: Any) -> Any:
    """What stands in for *old*: for something that is called, what answers *value*; else *value* itself."""
    if not callable(old):
        return value
    if inspect.iscoroutinefunction(old):

        async def later(*_: Any, **__: Any) -> Any:
            return value

        return later
    return lambda *_, **__: value


def everywhere(old: Any, new: Any, name: str, patch: pytest.MonkeyPatch) -> None:
    """Put *new* wherever one of our modules, or a rule, holds the very object *old* (which is called *name*)."""
    for module in [module for key, module in sys.modules.items() if key.split(".")[0] in OURS]:
        for attribute, value in list(vars(module).items()):
            if value is old and (attribute == name or not isinstance(old, _PLAIN)):
                patch.setattr(module, attribute, new)
    for kind, rule in list(RULES.items()):
        if rule.needs is old:
            patch.setitem(RULES, kind, dataclasses.replace(rule, needs=new))
        elif rule.decide is old:
            patch.setitem(RULES, kind, dataclasses.replace(rule, decide=new))

"""How every REST face is made: who may call it, what it reads and answers, in one place and in the OpenAPI alike.

A face is an async function of one ``Call``. It returns a value to encode, a ``Refusal``, or a whole ``Response``.
FastAPI routes to it and describes it; its dependency machinery is left out (it would cost more than the face).
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Generic, TypeVar

import msgspec
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, request_response

from server_sync.api.answers import answer, for_role, refuse, refused
from server_sync.api.openapi import describe
from server_sync.api.reading import read_bytes, read_json, read_object, unreadable
from server_sync.api.services import Services
from server_sync.api.shape import Shape
from server_sync.api.spelling import spelling_of
from server_sync.authority.credentials import not_signed_in
from server_sync.authority.principal import PUBLIC, Principal
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.errors import INVALID, NOT_ALLOWED, NOT_FOUND, Refusal
from server_sync.protocol.ids import Id, derived_id, is_id, new_id
from server_sync.protocol.records import ROLES, Role

Q = TypeVar("Q", bound=msgspec.Struct)

YEARS: Final = range(1900, 2201)
"""What a query may ask about: no database or calendar need cope with more."""

LONGEST_KEY: Final = 200
SHORTEST_SECRET: Final = 22
"""An Idempotency-Key by which strangers share nothing: that many characters hold what a UUID does."""
_KEYS: Final = "f0a4c2f1-6c1b-5d0e-9a37-3d1f2b7c9e54"
"""The namespace in which a principal's Idempotency-Keys become command ids."""


@dataclass(slots=True)
class Call(Generic[Q]):
    """One request as a face sees it. ``ids`` are the UUIDs of the path.

    ``body`` is the JSON object with its names as we spell them, or ``content`` the whole body as the struct it must be.
    """

    request: Request
    services: Services
    principal: Principal
    query: Q
    ids: dict[str, Id] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    content: Any = None
    command_id: Id = ""

    def named_programme(self) -> Id | None:
        """The programme of the token, else the one that the caller names."""
        if self.principal.programme_id is not None:
            return self.principal.programme_id
        named = self.request.query_params.get("programme") if self.request.scope["query_string"] else None
        named = named or self.request.headers.get("programme")
        return named.lower() if named else None

    async def submit(
        self, kind: str, args: dict[str, Any], programme_id: Id | None, **more: Any
    ) -> dict[str, Any] | Refusal:
        """The answer of an applied command (a dict), or its refusal. *more* are further fields of the envelope."""
        envelope = Envelope(id=self.command_id, kind=kind, args=msgspec.Raw(msgspec.json.encode(args)), **more)
        return await self.give(envelope, programme_id)

    async def give(self, envelope: Envelope, programme_id: Id | None) -> dict[str, Any] | Refusal:
        """As ``submit``, for an envelope that is there already."""
        return self.told(await self.services.authority.submit(self.principal, envelope, programme_id))

    def told(self, result: Result | Refusal) -> dict[str, Any] | Refusal:
        """What the caller may know of the authority's answer: that of a command applied (a dict), or the refusal."""
        if isinstance(result, Result) and result.status == "applied":
            return result.details or {}
        return for_role(self.principal.role, result if isinstance(result, Refusal) else refused(result))


Face = Callable[[Call[Any]], Awaitable[Any]]


class LeanRoute(APIRoute):
    """FastAPI's route, for its documentation, running as Starlette's: the endpoint takes the request and answers."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = request_response(endpoint)

    matches = Route.matches
    handle = Route.handle


class Faces:
    """The faces of one area."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._routes: list[tuple[str, Callable[..., Any], dict[str, Any]]] = []

    def install(self, app: FastAPI, prefix: str = "") -> None:
        """Have *app* answer them; directly, since a router that is included matches every request twice."""
        app.router.routes.extend(
            LeanRoute(prefix + path, endpoint, tags=[self._tag], **options) for path, endpoint, options in self._routes
        )

    def get(self, path: str, answers: Any, **shape: Any) -> Callable[[Face], Face]:
        """A face that reads; *shape* as the fields of ``Shape``."""
        return self._face("GET", path, Shape(answers, **shape))

    def post(self, path: str, body: Any, answers: Any, **shape: Any) -> Callable[[Face], Face]:
        """A face that gives a command."""
        return self._face("POST", path, Shape(answers, body, **shape))

    def put(self, path: str, body: Any, answers: Any, **shape: Any) -> Callable[[Face], Face]:
        """A face that changes what is there."""
        return self._face("PUT", path, Shape(answers, body, **shape))

    def _face(self, method: str, path: str, shape: Shape) -> Callable[[Face], Face]:
        admit, take = _admission(shape), _intake(shape)

        def decorate(face: Face) -> Face:
            async def endpoint(request: Request) -> Response:
                found: Any = await admit(request)
                if isinstance(found, Call):
                    found = await take(found)
                if isinstance(found, Call):
                    found = await face(found)
                if isinstance(found, Response):
                    return found
                return refuse(found) if isinstance(found, Refusal) else answer(found, shape.status)

            endpoint.__doc__, endpoint.__name__ = face.__doc__, face.__name__
            options = {"methods": [method], "status_code": shape.status, **describe(path, shape)}
            self._routes.append((path, endpoint, options))
            return face

        return decorate


Step = Callable[[Any], Awaitable[Call[Any] | Refusal | Response]]


def _admission(shape: Shape) -> Step:
    """The step that lets a request in, if whoever makes it may, and its path and query can be read."""

    async def admit(request: Request) -> Call[Any] | Refusal:
        services: Services = request.app.state.services
        principal = await services.credentials.principal(bearer(request))
        if isinstance(principal, Refusal):
            return principal
        refusal = needs_role(principal, shape.role)
        if refusal is not None:
            return refusal
        ids: dict[str, Id] = {}
        for name, text in request.path_params.items():
            id = canonical_id(text)
            if id is None:
                return Refusal(NOT_FOUND, {name: text[:100]})
            ids[name] = id
        given = request.query_params if request.scope["query_string"] else QueryParams()
        query = read_query(given, shape.query)
        if isinstance(query, Refusal):
            return query
        call = Call(request, services, principal, query, ids)
        programme = None if principal.programme_id else call.named_programme()
        if programme is not None and not is_id(programme):
            return Refusal(NOT_FOUND, {"programme_id": programme[:100]})
        return call

    return admit


def _intake(shape: Shape) -> Step:
    """The step that reads the body and names the command."""
    decoder = msgspec.json.Decoder(shape.body) if shape.whole and shape.body is not None else None

    async def take(call: Call[Any]) -> Call[Any] | Refusal | Response:
        if shape.body is None and not shape.file:
            return call
        body = await read_bytes(call.request, getattr(call.services.settings, shape.most))
        if not isinstance(body, bytes):
            return body
        if shape.body is None:
            call.content = body
        elif decoder is not None:
            call.content = read_json(body, decoder)
            if isinstance(call.content, Refusal):
                return call.content
            return call
        else:
            found = read_object(body)
            found = found if isinstance(found, Refusal) else spelling_of(shape.body).read(found.items())
            if isinstance(found, Refusal):
                return found
            call.body = found
        command_id = command_id_of(call.request, call.principal)
        if isinstance(command_id, Refusal):
            return command_id
        call.command_id = command_id
        return call

    return take


def command_id_of(request: Request, principal: Principal) -> Id | Refusal:
    """What the command is called: by the caller's Idempotency-Key, within what that caller did, else anew."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return new_id()
    if not 0 < len(key) <= LONGEST_KEY:
        return unreadable(f"an Idempotency-Key has 1 to {LONGEST_KEY} characters")
    if principal.id == PUBLIC.id and len(key) < SHORTEST_SECRET:  # else strangers with one key share what it did
        return unreadable(
            "without a token an Idempotency-Key must be one that nobody else has: a UUID,"
            f" or {SHORTEST_SECRET} characters or more drawn at random"
        )
    return derived_id(derived_id(_KEYS, principal.id), key)


def bearer(request: Request) -> str | None:
    """The token of the Authorization header; another scheme than Bearer is read as a token that nobody has."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else "?"


def needs_role(principal: Principal, role: Role) -> Refusal | None:
    """401 for a caller without a token, 403 for one whose token does not reach so far."""
    if ROLES.index(principal.role) >= ROLES.index(role):
        return None
    if principal.id == PUBLIC.id:
        return not_signed_in("missing")
    return Refusal(NOT_ALLOWED, {"needs": role, "has": principal.role})


def canonical_id(text: str) -> Id | None:
    """*text* as a UUID in canonical form, or None."""
    try:
        return str(uuid.UUID(text)) if len(text) == 36 else None
    except ValueError:
        return None


def read_query(params: QueryParams, query: type[Q]) -> Q | Refusal:
    """The query parameters as *query*; an unknown one is refused, since a filter misspelt would show too much."""
    named = [(name, value) for name, value in params.multi_items() if name != "programme"]
    given = spelling_of(query).read(named, what="parameter")
    if isinstance(given, Refusal):
        return given
    for name, value in given.items():
        if "\0" in value:
            return Refusal(INVALID, {"problem": "a text holds the character NUL", "field": name})
    try:
        asked = msgspec.convert(given, query, strict=False)
    except msgspec.ValidationError as error:
        return Refusal(INVALID, {"problem": str(error)})
    for ours, name in zip(query.__struct_fields__, query.__struct_encode_fields__, strict=True):
        value = getattr(asked, ours)
        if isinstance(value, date) and value.year not in YEARS:
            return Refusal(INVALID, {"field": name, "problem": f"the year {value.year} is out of range"})
    return asked

"""The OpenAPI document, made from the very structs that requests and answers are read and written with."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.utils import get_openapi

from server_sync.api.answers import words_of
from server_sync.api.shape import Shape
from server_sync.authority.queries.kinds import ARGUMENTS, body_of
from server_sync.protocol.errors import (
    BUSY,
    INVALID,
    KEY_REUSED,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_SIGNED_IN,
    UNREADABLE,
    Refusal,
)

_REF: Final = "#/components/schemas/{name}"
_HOISTED: Final = "x-components"
_JSON: Final = "application/json"
_ID: Final = {"type": "string", "format": "uuid"}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "The same key with the same body acts once, and is answered alike every time. Without a token it"
    " must be one that nobody else has: a UUID, or 22 characters or more drawn at random.",
}


class Error(msgspec.Struct, frozen=True):
    """Every error, whatever it is: words for a person, a code for a programme, and what helps."""

    error: str
    error_code: str
    details: dict[str, Any]


def schema(type: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON schema of *type*, and the component schemas that it refers to."""
    (found,), components = msgspec.json.schema_components([type], ref_template=_REF)
    return found, components


def describe(path: str, shape: Shape) -> dict[str, Any]:
    """What FastAPI must be told of a face to document it."""
    components: dict[str, Any] = {}
    parameters = [*_path_parameters(path), *_query_parameters(shape.query, components)]
    extra: dict[str, Any] = {"parameters": parameters, "security": [{"bearer": []}]}
    codes = {INVALID, NOT_SIGNED_IN, *shape.refusals}
    if "{" in path:
        codes.add(NOT_FOUND)
    if shape.role == "public":
        extra["security"].insert(0, {})
    else:
        codes.add(NOT_ALLOWED)
    if shape.body is not None or shape.file:
        codes.add(UNREADABLE)
        extra["requestBody"] = _body(shape, components)
        if not shape.whole:
            codes |= {BUSY, KEY_REUSED}
            parameters.append(_IDEMPOTENCY_KEY)
    responses = _error_responses(codes, components) | {shape.status: _success(shape.answers, components)}
    if "requestBody" in extra:
        responses[413] = {"description": "TOO_LARGE", "content": {_JSON: {"schema": schema(Error)[0]}}}
    extra[_HOISTED] = components
    return {"responses": responses, "openapi_extra": extra, "response_model": None}


def _body(shape: Shape, components: dict[str, Any]) -> dict[str, Any]:
    if shape.body is None:
        return {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}
    found, parts = schema(shape.body)
    components |= parts
    content: dict[str, Any] = {"schema": found}
    if shape.example:
        content["example"] = msgspec.json.decode(shape.example)
    return {"required": bool(components[shape.body.__name__].get("required")), "content": {_JSON: content}}


def _success(answers: Any, components: dict[str, Any]) -> dict[str, Any]:
    if isinstance(answers, str):
        return {"description": "As asked.", "content": {answers: {"schema": {"type": "string"}}}}
    found, parts = schema(answers)
    components |= parts
    return {"description": (answers.__doc__ or "As asked.").strip(), "content": {_JSON: {"schema": found}}}


def _error_responses(codes: set[str], components: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """One response a status, with an example for each code that comes with it."""
    found, parts = schema(Error)
    components |= parts
    responses: dict[int | str, dict[str, Any]] = {}
    for code in sorted(codes):
        status = Refusal(code).status
        response = responses.setdefault(
            status, {"description": "", "content": {_JSON: {"schema": found, "examples": {}}}}
        )
        response["description"] = " ".join(filter(None, [response["description"], f"{code}: {words_of(code)}"]))
        response["content"][_JSON]["examples"][code] = {
            "value": {"error": words_of(code), "error_code": code, "details": {}}
        }
    return responses


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": _ID} for name in re.findall(r"{(\w+)}", path)]


def _query_parameters(query: type[msgspec.Struct], components: dict[str, Any]) -> list[dict[str, Any]]:
    """One parameter a field, and the programme, which a caller without one of its own may name."""
    _, parts = schema(query)
    described = parts.pop(query.__name__)
    components |= parts
    required = described.get("required", [])
    found = [
        {"name": name, "in": "query", "required": name in required, "schema": part}
        for name, part in described["properties"].items()
    ]
    found.append({
        "name": "programme", "in": "query", "required": False, "schema": _ID,
        "description": "Which programme, for a caller whose token belongs to none; a header of that name does too.",
    })  # fmt: skip
    return found


def install(app: FastAPI) -> None:
    """Have *app* serve the finished document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _finish(
                get_openapi(
                    title=app.title, version=app.version, description=app.description, routes=app.routes, tags=None
                )
            )
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way of replacing it


def _finish(document: dict[str, Any]) -> dict[str, Any]:
    """Gather the component schemas, and drop what FastAPI adds of its own error shape."""
    components = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    for operations in document.get("paths", {}).values():
        for operation in operations.values():
            _gather(schemas, operation.pop(_HOISTED, {}))
    if "NewCommand" in schemas:
        schemas["NewCommand"] = schemas["NewCommand"] | {"oneOf": _kinds(schemas)}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "The token of a device or of one of the staff."}
    }
    return document


def _gather(schemas: dict[str, Any], found: dict[str, Any]) -> None:
    """Add components; two of one name must be one."""
    for name, part in found.items():
        assert schemas.setdefault(name, part) == part, f"two components are called {name}"


def _kinds(schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """For each kind of command the arguments that go with it, a component each: SlotBlock for ``slot.block``."""
    found = []
    for kind in sorted(ARGUMENTS):
        args, parts = schema(body_of(kind, kind.replace(".", "_").title().replace("_", "")))
        _gather(schemas, jsonable_encoder(parts, exclude_none=True))  # as FastAPI does with those of the faces
        found.append({"title": kind, "properties": {"kind": {"const": kind}, "args": args}})
    return found

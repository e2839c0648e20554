"""The OpenAPI document says what is there, and says it of everything."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from server_sync.api.app import create_app
from server_sync.api.faces import LeanRoute
from server_sync.api.settings import Settings
from server_sync.authority.queries.kinds import ARGUMENTS


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document, as a client would read it."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(create_app(Settings("postgresql://x/y")).openapi()))
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of every operation."""
    return [(path, method, found) for path, methods in document["paths"].items() for method, found in methods.items()]


def test_every_route_is_described(document: dict[str, Any]) -> None:
    app = create_app(Settings("postgresql://x/y"))
    routes = {
        (route.path, method.lower())
        for route in app.routes
        if isinstance(route, LeanRoute)
        for method in route.methods or ()
    }
    assert routes == {(path, method) for path, method, _ in operations(document)}
    assert len(routes) > 25


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = msgspec.json.encode(document).decode()
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names
    assert names <= set(document["components"]["schemas"])
    assert "x-components" not in text
    assert "HTTPValidationError" not in text


def test_every_operation_says_what_can_go_wrong(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        codes = set(operation["responses"])
        assert operation["summary"], path
        assert operation["description"], path
        assert codes & {"200", "201"}, path
        assert {"401", "422"} <= codes, path
        if method != "get":
            assert "400" in codes, path
        if "{" in path:
            assert "404" in codes, path
            assert {name["name"] for name in operation["parameters"] if name["in"] == "path"} == set(
                re.findall(r"{(\w+)}", path)
            )
        for code, response in operation["responses"].items():
            if int(code) >= 400:
                content = response["content"]["application/json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Error"}, path
                examples = content.get("examples", {})
                assert all(example["value"]["error_code"] == name for name, example in examples.items())


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    """Each example names only fields that there are, and all that are required."""
    shown = 0
    for path, method, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None or "example" not in content:
            continue
        schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        given = {re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower() for name in content["example"]}
        assert given <= set(schema["properties"]), (path, method)
        assert set(schema.get("required", [])) <= given, (path, method)
        shown += 1
    assert shown >= 12


def test_every_kind_of_command_is_named_with_its_arguments(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["NewCommand"]["properties"]["kind"]["examples"] == sorted(ARGUMENTS)
    offered = schemas["NewCommand"]["oneOf"]
    assert [one["properties"]["kind"] for one in offered] == [{"const": kind} for kind in sorted(ARGUMENTS)]
    for one in offered:
        args = schemas[one["properties"]["args"]["$ref"].rpartition("/")[2]]
        struct = ARGUMENTS[one["title"]]
        assert set(args["properties"]) == set(struct.__struct_fields__), one["title"]
        required = {field.name for field in msgspec.structs.fields(struct) if field.required}
        assert set(args.get("required", [])) == required, one["title"]


def test_what_revoking_answers_is_told_of_each(document: dict[str, Any]) -> None:
    for what in ("device", "staff"):
        [path] = (path for path in document["paths"] if path.endswith(f"/{{{what}_id}}/revoke"))
        shape = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert set(document["components"]["schemas"][shape["$ref"].rpartition("/")[2]]["properties"]) == {f"{what}_id"}

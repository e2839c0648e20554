"""What a face takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from server_sync.protocol.records import Role


class NoQuery(msgspec.Struct, frozen=True):
    """A face that takes no query parameters (but ``programme``, which every one takes)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a face takes and gives, as code and document both need it.

    ``body`` is the struct that describes the JSON object of a body; ``whole`` has the body decoded right into it, as
    the protocol's own requests are, and nothing renamed. ``answers`` is a type, or a media type for what is no JSON.
    """

    answers: Any
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] = NoQuery
    role: Role = "public"
    refusals: tuple[str, ...] = ()
    status: int = 200
    example: str = ""
    whole: bool = False
    most: str = "most_body"
    file: bool = False

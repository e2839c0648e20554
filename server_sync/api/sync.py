"""``/sync/*``: what desks speak (see the protocol package). A device's token is needed for all but enrolment."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import APIRouter
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

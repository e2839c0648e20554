"""Which servers this desk talks to: https anywhere, plain http only to this very computer."""

from __future__ import annotations

import ipaddress
from urllib.parse import parse_qs, urlsplit

from desktop.sync.ports import Failure, FailureKind


def server_address(text: str) -> str | Failure:
    """The server's base URL in what somebody typed, without a path; https where no scheme is given."""
    typed = text.strip()
    try:
        parts = urlsplit(typed if "://" in typed else f"https://{typed}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme not in ("http", "https"):
        return Failure(FailureKind.UNREADABLE, f"{typed!r} is no address of a server; it looks like https://host.")
    if parts.scheme == "http" and not _is_loopback(host):
        return Failure(
            FailureKind.INSECURE,
            f"{host} would be reached without encryption, so that anybody on this network could read along. "
            "Use its https address.",
        )
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port is not None else "")


def scanned_invitation(text: str) -> tuple[str, str] | None:
    """Server and code in an organiser's QR code (``https://host/enrol?code=ABCD2345``); None if *text* is none."""
    if "://" not in text:
        return None
    parts = urlsplit(text.strip())
    codes = parse_qs(parts.query).get("code", [parts.fragment])
    return (f"{parts.scheme}://{parts.netloc}", codes[0]) if codes[0] else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

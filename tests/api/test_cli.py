"""``callboard-server``, as its keeper types it."""

from __future__ import annotations

import re
import signal
import time
import uuid
from pathlib import Path

import httpx
import psutil
import pytest

from server_sync.cli import main
from tests.api.processes import environment, serving

ROSTER = "id,first name,last name\n1,Ada,Okafor\n2,Bo,Lind\n"


class Callboard:
    """The command, run in this process; each call answers exit code, output and errors."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, database_url: str, *arguments: str | Path) -> tuple[int, str, str]:
        for name, value in environment(database_url).items():
            self._monkeypatch.setenv(name, value)
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as exit:  # argparse leaves so
            code = int(exit.code or 0)
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def callboard(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callboard:
    """``callboard-server`` to be called."""
    return Callboard(capsys, monkeypatch)


def test_a_new_server_from_nothing_to_a_desk(callboard: Callboard, empty_database_url: str, tmp_path: Path) -> None:
    url, roster = empty_database_url, tmp_path / "roster.csv"
    roster.write_text(ROSTER)
    code, said, _ = callboard(url, "migrate")
    assert (code, said) == (0, f"The database is at version {said.split()[-1]}\n")
    code, _, error = callboard(url, "invite")
    assert (code, error) == (1, "callboard-server: There is no programme yet.\n")
    code, said, _ = callboard(url, "import", "--new", "Spring Festival", "--dry-run", roster)
    assert code == 0
    assert re.search(r"people +2 +2 +0 +0\n", said)
    assert "Nothing was written" in said
    code, _, error = callboard(url, "invite")
    assert error == "callboard-server: There is no programme yet.\n", "a dry run makes none"
    code, said, _ = callboard(url, "import", "--new", "Spring Festival", roster)
    assert (code, bool(re.search(r"people +2 +2 +0 +0\n", said))) == (0, True)
    code, said, _ = callboard(url, "import", roster)
    assert (code, bool(re.search(r"people +2 +0 +0 +2\n", said))) == (0, True), "into the only programme there is"
    code, invited, _ = callboard(url, "invite", "Door", "--ceiling", "admin")
    code, staff, _ = callboard(url, "staff", "Grace", "--role", "admin")
    with serving(url) as (at, _):
        body = {"code": invited.splitlines()[0], "device": str(uuid.uuid4()), "proof": "p" * 20}
        desk = httpx.post(f"{at}/sync/devices", json=body)
        assert (desk.status_code, desk.json()["ceiling"]) == (201, "admin"), desk.text
        headers = {"Authorization": f"Bearer {staff.splitlines()[0]}"}
        assert httpx.get(f"{at}/v1/devices", headers=headers).json()["devices"][0]["name"] == "Door"
        assert callboard(url, "healthz", "--url", at)[0] == 0
        code, said, _ = callboard(url, "devices", "--revoke", "Door")
        assert (code, said.startswith("Door is revoked")) == (0, True)
        push = {"proto": 1, "device": body["device"], "incarnation": 1, "commands": []}
        reply = httpx.post(f"{at}/sync/push", json=push, headers={"Authorization": f"Bearer {desk.json()['token']}"})
        assert (reply.status_code, reply.json()["details"]) == (401, {"reason": "revoked"})


def test_what_goes_wrong_is_said_in_words(callboard: Callboard, database_url: str, tmp_path: Path) -> None:
    picture = tmp_path / "poster.png"
    picture.write_bytes(b"\x89PNG\r\n")
    for arguments, words in (
        (["import", "--new", "X", tmp_path / "none.csv"], "none.csv can't be read: No such file or directory."),
        (["import", tmp_path / "none.csv", "--new", "X", "--programme", "Y"], "exclude each other"),
        (["staff", "Ann", "--programme", "Nowhere"], "No programme is called 'Nowhere'"),
        (["healthz", "--url", "http://127.0.0.1:9"], "No server answers at http://127.0.0.1:9"),
        (["healthz", "--url", "file:///etc/passwd"], "is no http address"),
        (["import", "--new", "X", picture], "it is a picture"),
        (["serve", "--certificate", picture], "--certificate and --key go together"),
    ):
        code, said, error = callboard(database_url, *arguments)
        assert code == 1, arguments
        assert words in said + error
    assert callboard(database_url, "invite", "--ceiling", "king")[0] == 2
    code, _, error = callboard("postgresql://x:y@127.0.0.1:9/z", "staff")
    assert code == 1
    assert "the database can't be reached" in error


def test_a_port_that_is_taken(callboard: Callboard, database_url: str) -> None:
    with serving(database_url) as (at, _):
        code, _, error = callboard(database_url, "serve", "--port", at.rpartition(":")[2])
    assert code == 1
    assert "can't be had: Address already in use" in error


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent(database_url: str, way: signal.Signals) -> None:
    with serving(database_url, workers=2) as (_, process):
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) >= 2
        process.send_signal(way)
        process.wait(15)
        deadline = time.monotonic() + 15
        while any(worker.is_running() and worker.status() != "zombie" for worker in workers):
            assert time.monotonic() < deadline, "a worker outlived its parent"
            time.sleep(0.1)


def test_two_formats_of_one_day_hold_the_same(callboard: Callboard, empty_database_url: str, data_folder: Path) -> None:
    tables = {}
    for name in ("emf-2024.schedule.frab.xml", "emf-2024.schedule.ics"):
        code, said, _ = callboard(empty_database_url, "import", "--dry-run", data_folder / name)
        assert code == 0
        tables[name] = dict(re.findall(r"^(rooms|events) +(\d+)", said, re.MULTILINE))
    assert set(map(str, tables.values())) == {"{'rooms': '44', 'events': '482'}"}

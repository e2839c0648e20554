"""``callboard-server``, as its keeper types it."""

from __future__ import annotations

import ipaddress
import re
import signal
import time
import uuid
from pathlib import Path

import httpx
import psutil
import pytest

from server_sync.cli import main
from server_sync.serving import reachable_at
from tests.api.certificates import CERTIFICATE, KEY, LOCKED_KEY, OTHER_KEY
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
    picture, roster = tmp_path / "poster.png", tmp_path / "roster.csv"
    roster.write_text(ROSTER)
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
    for arguments, words in (
        (["invite", "--ceiling", "king"], "invalid choice: 'king'"),
        (["serve", "--port", "http"], "'http': a port is a number from 0 to 65535"),
        (["serve", "--port", "70000"], "'70000': a port is a number"),
        (["serve", "--workers", "-1"], "'-1': how many processes is a number from 1 to 64"),
        (["import", "--date", "14.3.2027", roster], "'14.3.2027': a day is written like 2027-03-14"),
    ):
        code, _, error = callboard(database_url, *arguments)
        assert (code, words in error) == (2, True), error
    code, _, error = callboard("postgresql://x:y@127.0.0.1:9/z", "staff")
    assert code == 1
    assert "the database can't be reached" in error


def test_a_new_programme_is_made_once_and_not_for_a_file_that_is_refused(
    callboard: Callboard, database_url: str, tmp_path: Path
) -> None:
    roster, mistaken = tmp_path / "roster.csv", tmp_path / "mistaken.csv"
    roster.write_text(ROSTER)
    mistaken.write_text(f"id,first name,last name\n1,{'x' * 600},Okafor\n")
    code, _, error = callboard(database_url, "import", "--new", "Spring", mistaken)
    assert (code, "500 are the most" in error) == (1, True), error
    assert callboard(database_url, "staff")[2] == "callboard-server: There is no programme yet.\n"
    code, _, problem = callboard(database_url, "import", "--new", "Spring", "--time-zone", "London", roster)
    assert (code, "London is no time zone; write it as in Europe/London" in problem) == (1, True)
    code, said, _ = callboard(database_url, "import", "--new", "Spring", "--time-zone", "Europe/Berlin", roster)
    ref = re.search(r"The new programme is (PRG-\w+)", said)
    assert (code, bool(ref)) == (0, True), said
    for more in ([], ["--dry-run"]):
        code, _, error = callboard(database_url, "import", "--new", "Spring", *more, roster)
        assert (code, "There is a programme called 'Spring' already; --programme PRG-" in error) == (1, True), error
    code, said, _ = callboard(database_url, "import", "--programme", "Spring", roster)
    assert (code, bool(re.search(r"people +2 +0 +0 +2\n", said))) == (0, True)


def test_a_certificate_that_can_t_be_used_is_told_before_anything_starts(
    callboard: Callboard, database_url: str, tmp_path: Path
) -> None:
    files = {"cert.pem": CERTIFICATE, "key.pem": KEY, "other.pem": OTHER_KEY, "locked.pem": LOCKED_KEY, "junk.pem": "?"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for certificate, key, words in (
        ("cert.pem", "other.pem", "other.pem is not the key of "),
        ("cert.pem", "locked.pem", "locked.pem is no private key in PEM form without a passphrase"),
        ("cert.pem", "junk.pem", "junk.pem is no private key"),
        ("junk.pem", "key.pem", "junk.pem is no certificate in PEM form"),
        ("key.pem", "cert.pem", "key.pem is no certificate in PEM form"),
        ("none.pem", "key.pem", "none.pem can't be read: No such file or directory"),
    ):
        given = ["--certificate", str(tmp_path / certificate), "--key", str(tmp_path / key)]
        code, said, error = callboard(database_url, "serve", "--port", "0", *given)
        assert (code, said) == (1, "")
        assert words in error
    given = ["--certificate", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem")]
    with serving(database_url, 1, *given) as (at, _):
        assert at.startswith("https://127.0.0.1:")
        assert httpx.get(f"{at}/healthz", verify=False).status_code == 200


def test_what_answers_everywhere_says_where_that_is(database_url: str) -> None:
    with serving(database_url, 1, "--host", "0.0.0.0") as (at, _):
        assert httpx.get(f"{at}/healthz").status_code == 200
        assert "0.0.0.0" not in at
    assert reachable_at("127.0.0.1") == ["127.0.0.1"]
    for everywhere in ("0.0.0.0", "::"):
        for address in map(ipaddress.ip_address, reachable_at(everywhere)):
            assert (address.is_unspecified, address.is_link_local) == (False, False)


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

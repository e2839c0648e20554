"""dev.py as a stranger meets it: from another folder, with a stamp, and with clear words when something is missing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """dev.py as a module, with a checkout of its own that holds a lock, a pyproject.toml and an installed .venv."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("requirements.lock", "pyproject.toml", "python"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(module, "PROJECT", tmp_path / "pyproject.toml")
    monkeypatch.setattr(module, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(module, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(module, "venv_is_ours", lambda: True)
    monkeypatch.setattr(module, "missing_packages", lambda command: [])
    return module


@pytest.fixture
def steps(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that dev.py runs, which are noted here and not run."""
    noted: list[list[str]] = []
    monkeypatch.setattr(dev, "run", lambda argv, env=None: noted.append(argv))
    return noted


def test_it_installs_once_by_hash_and_again_when_the_lock_changes(dev: ModuleType, steps: list[list[str]]) -> None:
    """The stamp spares the work, and forgets it when what it was made from has changed."""
    dev.ensure_installed("test")
    assert any("--require-hashes" in step for step in steps)
    assert [part for part in steps[-1] if part.startswith("--no-")] == ["--no-build-isolation", "--no-deps"]
    steps.clear()
    dev.ensure_installed("test")
    assert steps == []
    (dev.LOCK).write_text("another lock")
    dev.ensure_installed("test")
    assert steps != []


def test_a_failed_installation_is_not_remembered(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a new stamp nor by an old one."""

    def fail(argv: list[str], env: dict[str, str] | None = None) -> None:
        raise dev.Stop("failed")

    dev.STAMP.write_text("of an older lock")
    monkeypatch.setattr(dev, "run", fail)
    with pytest.raises(dev.Stop):
        dev.ensure_installed("test")
    assert not dev.STAMP.exists()


@pytest.mark.parametrize("uid", [0, 1000])
def test_missing_system_packages(
    dev: ModuleType, steps: list[list[str]], monkeypatch: pytest.MonkeyPatch, uid: int
) -> None:
    """Root gets them installed; anybody else is told the one command, before anything is downloaded."""
    monkeypatch.setattr(dev, "missing_packages", lambda command: ["libegl1", "libgl1"])
    monkeypatch.setattr(dev.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(dev.os, "geteuid", lambda: uid)
    command = "apt-get install -y --no-install-recommends libegl1 libgl1"
    if uid == 0:
        dev.ensure_installed("test")
        assert " ".join(steps[1]).startswith(command)
    else:
        with pytest.raises(dev.Stop, match=f"as root, run this once:\n  apt-get update && {command}$"):
            dev.ensure_installed("test")
        assert steps == []


def test_a_library_that_does_not_load_is_missed(dev: ModuleType) -> None:
    """By trying to load it, not by asking which packages are installed."""
    assert not dev.can_load("libnobodyhasthis.so.1")
    if sys.platform == "linux":
        assert dev.can_load("libc.so.6")


def test_the_exit_code_of_the_command_is_passed_on_from_any_folder(tmp_path: Path) -> None:
    """pytest's 4 for a file that is not there comes through."""
    run = subprocess.run(
        [sys.executable, ROOT / "dev.py", "test", "-p", "no:cacheprovider", "no_such_test.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 4, run.stdout + run.stderr
    assert "no_such_test.py" in run.stderr


def test_a_folder_called_tests_where_one_stands_hides_nothing(tmp_path: Path) -> None:
    """The subcommands that run where the caller stands find our modules all the same."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "__init__.py").write_text("raise SystemExit('the wrong tests')")
    code = "import tests, sys; print(tests.__file__)"
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=module.environment("demo"), capture_output=True, text=True
    )
    assert run.stdout.strip() == str(ROOT / "tests" / "__init__.py"), run.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="processor time of children is not told there")
def test_a_start_that_has_nothing_to_do_is_quick() -> None:
    """Under half a second, pytest's own start included; in processor time, since machines are shared."""
    import resource

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    command = [sys.executable, str(ROOT / "dev.py"), "test", "--version"]
    subprocess.run(command, check=True, capture_output=True)
    before = spent()
    subprocess.run(command, check=True, capture_output=True)
    assert spent() - before < 0.5


def test_an_unknown_subcommand_shows_the_known_ones() -> None:
    """With exit code 2, as programmes do for a wrong call."""
    run = subprocess.run([sys.executable, ROOT / "dev.py", "brew"], capture_output=True, text=True)
    assert run.returncode == 2
    for command in ("demo", "test", "check", "screenshots", "bench", "bundle", "lock"):
        assert f"dev.py {command}" in run.stdout


def test_the_lock_names_no_registry_and_pins_the_build_backend() -> None:
    """So that it installs through whatever registry the reader's own settings name."""
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert "index-url" not in text
    assert "\nhatchling==" in text
    pins = [line for line in text.splitlines() if line[:1].isalnum()]
    assert text.count("--hash=sha256:") >= len(pins) > 50

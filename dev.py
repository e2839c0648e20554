#!/usr/bin/env python3
"""Everything a developer does with Callboard, from a checkout and nothing but Python 3.11 with pip and venv.

    python3 dev.py demo [--data FILE...]     the whole product at work on a day of its own, or on your files
    python3 dev.py test [PYTEST ARGUMENTS]   every test, two files at a time; with arguments what they say, in turn
    python3 dev.py check                     ruff, mypy --strict, import-linter
    python3 dev.py requirements [ROUND] [--disable]
                                             which requirements are proven, by tests seen to fail without the thing
    python3 dev.py screenshots DIR           pictures of every screen
    python3 dev.py bench [NAME...] [--json FILE]
    python3 dev.py bundle                    a one-folder application in dist/
    python3 dev.py lock [--upgrade]          write requirements.lock anew (needs uv)

The first start makes .venv and installs what requirements.lock names, by hash; a stamp in .venv remembers it.
Standard library only, and it runs from any folder: arguments that are paths are read from where you stand
(but test, requirements, check, bundle and lock work in the checkout).
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
STAMP = VENV / "callboard-installed"

# What PySide6's wheel expects of the system, as the loader names it, and the Debian package that brings it.
QT_LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libbrotlidec.so.1": "libbrotli1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
# Programmes that one subcommand alone needs: its name, the programme, the Debian package.
PROGRAMMES = {"bench": ("wrk", "wrk"), "bundle": ("objdump", "binutils")}

# Most tests wait: for a server to start, a lock, a clock. Each process has a Postgres of its own.
TWO_AT_A_TIME = ["-n", "2", "--dist", "loadfile"]


class Stop(Exception):
    """Something that the person at the keyboard must settle; its text says what."""


def say(text: str) -> None:
    """Tell the person what happens, apart from what the subcommand itself prints."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def run(argv: list[str], env: dict[str, str] | None = None) -> None:
    """Run one step of the installation in the checkout; a failure stops with the command that failed."""
    code = subprocess.run(argv, cwd=ROOT, env=env).returncode
    if code != 0:
        raise Stop(f"this failed with exit code {code}:\n  {' '.join(argv)}")


# ------------------------------------------------------- the system's part


def can_load(library: str) -> bool:
    """Whether the loader finds a shared library: what counts is that it loads, not which package it came in."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_packages(command: str) -> list[str]:
    """The Debian packages whose part is not on this Linux system; empty elsewhere."""
    if not sys.platform.startswith("linux"):
        return []
    packages = [package for library, package in QT_LIBRARIES.items() if not can_load(library)]
    if command in PROGRAMMES:
        programme, package = PROGRAMMES[command]
        packages += [] if shutil.which(programme) else [package]
    try:
        import ensurepip  # noqa: F401  Debian keeps it apart from python3
    except ImportError:
        packages += [] if shutil.which("uv") else ["python3-venv"]
    return sorted(set(packages))


def install_system_packages(packages: list[str]) -> None:
    """As root install them; as anybody else name the one command that does, and stop."""
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise Stop("these are missing from this system (Debian's names for them): " + " ".join(packages))
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.geteuid() != 0:
        raise Stop(f"the system lacks some packages; as root, run this once:\n  apt-get update && {' '.join(install)}")
    say("installing " + " ".join(packages))
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run(["apt-get", "update", "-q"], env)
    run([*install, "-q"], env)


# ------------------------------------------------ the virtual environment


def fingerprint() -> str:
    """What an installation depends on; the folder too, since a virtual environment cannot be moved."""
    digest = hashlib.sha256(f"{sys.version}\n{ROOT}\n".encode())
    for file in (LOCK, PROJECT):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def ensure_installed(command: str) -> None:
    """Bring .venv to what the lock says, unless the stamp says that it is there already."""
    wanted = fingerprint()
    installed = STAMP.exists() and STAMP.read_text() == wanted and PYTHON.exists()
    if not installed or command in PROGRAMMES:
        install_system_packages(missing_packages(command))
    if installed:
        return
    STAMP.unlink(missing_ok=True)
    uv = shutil.which("uv")
    if not venv_is_ours():
        say("making .venv")
        run(
            [uv, "venv", "-q", "--clear", "--seed", "--python", sys.executable, str(VENV)]
            if uv
            else [sys.executable, "-m", "venv", "--clear", str(VENV)]
        )
    say("installing what requirements.lock names (the first time takes a minute or two)")
    pip = [uv, "pip", "install", "-q", "--python", str(PYTHON)] if uv else [str(PYTHON), "-m", "pip", "install", "-q"]
    run([*pip, "--require-hashes", "-r", str(LOCK)])
    # The project itself, with the build backend that the lock has just installed.
    run([*pip, "--no-build-isolation", "--no-deps", "-e", str(ROOT)])
    STAMP.write_text(wanted)


def venv_is_ours() -> bool:
    """Whether .venv holds a Python that runs and has the version of the one that runs this."""
    if not PYTHON.exists():
        return False
    asked = subprocess.run([str(PYTHON), "-c", "import sys; print(sys.version)"], capture_output=True, text=True)
    return asked.returncode == 0 and asked.stdout.strip() == sys.version


# ------------------------------------------------------------ subcommands


def environment(command: str) -> dict[str, str]:
    """The caller's environment, in which our packages are found from any folder and nothing opens a window unasked."""
    env = dict(os.environ)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    env["PYTHONSAFEPATH"] = "1"  # a folder called tests where the caller stands must not hide ours
    env["VIRTUAL_ENV"] = str(VENV)
    env["PATH"] = os.pathsep.join([str(SCRIPTS), env.get("PATH", os.defpath)])
    if command in ("test", "requirements", "screenshots"):
        env.setdefault("QT_QPA_PLATFORM", "offscreen")
    return env


def hand_over(argv: list[str], env: dict[str, str], folder: Path) -> int:
    """Become the command where the system can (signals and exit code are its own then), else pass its code on."""
    os.chdir(folder)
    if os.name == "posix":
        sys.stdout.flush()
        os.execve(argv[0], argv, env)
    return subprocess.run(argv, env=env).returncode


def check(env: dict[str, str]) -> int:
    """Run all three checkers, whatever the first says, so that one run shows all there is to mend."""
    checkers = [
        [str(PYTHON), "-m", "ruff", "check", "."],
        [str(PYTHON), "-m", "mypy"],
        [str(SCRIPTS / "lint-imports"), "--no-cache"],
    ]
    codes = []
    for argv in checkers:
        say(" ".join([Path(argv[0]).name, *argv[1:]]))
        codes.append(subprocess.run(argv, cwd=ROOT, env=env).returncode)
    return next((code for code in codes if code != 0), 0)


def lock(arguments: list[str]) -> int:
    """Write requirements.lock for every platform, with hashes and without the name of any registry."""
    uv = shutil.which("uv")
    if uv is None:
        raise Stop("writing the lock needs uv (pip install uv); installing from it does not")
    command = [
        uv, "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--all-extras",
        "--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "python3 dev.py lock",
        PROJECT.name, "--output-file", LOCK.name, *arguments,
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT).returncode


def main(arguments: list[str]) -> int:
    """Run one subcommand and return its exit code."""
    python = str(PYTHON)
    # The subcommand, what it runs, and where: None is the folder in which the caller stands.
    commands: dict[str, tuple[list[str], Path | None]] = {
        "demo": ([python, "-m", "tests.e2e.demo"], None),
        "test": ([python, "-m", "pytest"], ROOT),
        "requirements": ([python, "-m", "tests.dev.requirements"], ROOT),
        "screenshots": ([python, "-m", "tests.gui.screenshots"], None),
        "bench": ([python, "-m", "tests.bench"], None),
        "bundle": ([python, "-m", "tests.e2e.bundle"], ROOT),
    }
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command not in {*commands, "check", "lock"}:
        print(__doc__)
        return 0 if command in ("-h", "--help", "help") else 2
    if command == "lock":
        return lock(rest)
    ensure_installed(command)
    if command == "check":
        return check(environment(command))
    argv, folder = commands[command]
    if command == "test" and not rest:
        argv += TWO_AT_A_TIME
    return hand_over(argv + rest, environment(command), folder or Path.cwd())


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036  somebody will start this with an older one
        sys.exit(f"dev.py: Callboard needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    try:
        sys.exit(main(sys.argv[1:]))
    except Stop as stop:
        say(str(stop))
        sys.exit(1)
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)

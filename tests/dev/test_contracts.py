"""Every import contract of pyproject.toml is seen to bite, in a tree with one wrong import planted for each."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# For each contract the module that breaks it, and what it imports.
PLANTS = {
    "the protocol stands alone": ("server_sync.protocol.planted", "server_sync.rules"),
    "rules see the protocol": ("server_sync.rules.planted", "server_sync.authority"),
    "the authority sees rules and protocol": ("server_sync.authority.planted", "server_sync.api"),
    "the API sees authority and protocol": ("server_sync.api.planted", "server_sync.rules"),
    "importers and exporters see the protocol": ("server_sync.exporters.planted", "server_sync.authority"),
    "the embedded Postgres stands alone": ("server_sync.embedded.planted", "server_sync.protocol"),
    "the server never sees the desk": ("server_sync.planted", "desktop.store"),
    "of the server the desk sees protocol and rules": ("desktop.planted", "server_sync.authority"),
    "resources stand alone": ("resources.planted", "desktop.qt"),
    "the Qt bridge knows no room of the desk": ("desktop.qt.planted", "desktop.store"),
    "the store sees rules and protocol": ("desktop.store.planted", "desktop.sync"),
    "sync sees the store, rules and protocol": ("desktop.sync.planted", "desktop.remote"),
    "the day sees the store, rules and protocol": ("desktop.day.planted", "desktop.sync.engine"),
    "remote sees the ports of sync and the protocol": ("desktop.remote.planted", "desktop.sync.engine"),
    "widgets see Qt's bridge and the protocol": ("desktop.widgets.planted", "desktop.store"),
    "the shell sees widgets and Qt's bridge": ("desktop.shell.planted", "desktop.screens.one"),
    "a view-model sees store, sync, rules and protocol": ("desktop.screens.one.viewmodel", "desktop.remote"),
    "a page sees its own screen, widgets and Qt's bridge, and no other screen": (
        "desktop.screens.one.page",
        "desktop.screens.two.viewmodel",
    ),
    "PySide6 and qasync where things are drawn": ("desktop.sync.drawn", "PySide6.QtCore"),
    "httpx in remote": ("server_sync.cli", "httpx"),
    "FastAPI in the API": ("server_sync.authority.faced", "fastapi.responses"),
    "SQLAlchemy in the authority and the store": ("server_sync.api.stored", "sqlalchemy.orm"),
    "asyncpg in the authority": ("server_sync.importers.loaded", "asyncpg"),
}
# What the plants import, and must be there to be imported.
IMPORTED = [
    "desktop.qt", "desktop.store", "desktop.sync.ports", "desktop.sync.engine", "desktop.remote", "desktop.widgets",
    "desktop.shell", "desktop.screens.one.viewmodel", "desktop.screens.two.viewmodel", "server_sync.api",
    "server_sync.authority", "server_sync.rules", "server_sync.protocol", "server_sync.importers",
    "server_sync.exporters", "server_sync.embedded", "resources",
]  # fmt: skip


def write_module(tree: Path, name: str, text: str = "") -> None:
    """Write a module, and a package round it at each level that has none yet."""
    *packages, module = name.split(".")
    folder = tree
    for package in packages:
        folder /= package
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
    if (folder / module).is_dir():
        return
    with (folder / f"{module}.py").open("a") as file:
        file.write(text)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with every room, empty, and the project's own contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests" / "dev").mkdir(parents=True)
    for file in ("tests/__init__.py", "tests/dev/__init__.py", "tests/dev/contracts.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    for name in IMPORTED:
        write_module(tmp_path, name + ".nothing" if name.count(".") < 2 else name)
    return tmp_path


def lint(tree: Path) -> tuple[int, str]:
    """Run import-linter on a tree as `dev.py check` does; its exit code and what it printed."""
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tree,
        # Wide enough that no line is wrapped, and ours off the path so that the tree's packages are found.
        env={**os.environ, "COLUMNS": "300", "PYTHONPATH": str(tree), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    return run.returncode, run.stdout + run.stderr


def test_every_contract_has_a_plant() -> None:
    """A contract that nobody has seen bite may be one that cannot."""
    assert {contract["name"] for contract in CONTRACTS} == set(PLANTS)


def test_a_tree_that_keeps_to_its_rooms_passes(tree: Path) -> None:
    """What the contracts allow is allowed, so that the next test fails for the plants alone."""
    write_module(tree, "desktop.screens.one.viewmodel", "import desktop.store\nimport PySide6.QtCore\n")
    write_module(tree, "desktop.screens.one.page", "import desktop.screens.one.viewmodel\nimport desktop.widgets\n")
    write_module(tree, "desktop.remote.client", "import desktop.sync.ports\nimport httpx\n")
    write_module(tree, "desktop.app", "import desktop.screens.one.page\nimport desktop.remote.client\n")
    write_module(tree, "server_sync.cli", "import server_sync.api\nimport server_sync.importers\n")
    code, printed = lint(tree)
    assert code == 0, printed
    assert f"{len(CONTRACTS)} kept, 0 broken" in printed


def test_each_contract_bites(tree: Path) -> None:
    """All plants at once: each must break its own contract, and be named in that contract's part of the report."""
    for module, imported in PLANTS.values():
        write_module(tree, module, f"import {imported}\n")
    code, printed = lint(tree)
    assert code != 0
    report = printed[printed.index("Broken contracts") :]
    for contract, (module, imported) in PLANTS.items():
        assert f"{contract} BROKEN" in printed
        part = re.split(r"\n-{3,}\n", report[report.index(f"\n{contract}\n") + 1 :])[1]
        external = imported.split(".")[0] if not imported.startswith(("desktop", "server_sync")) else imported
        assert f"{module} may not import {external} (l.1)" in part, contract

"""Node and npm, which pip put beside Python, and packages from npm for a test."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

BIN = Path(sysconfig.get_path("scripts"))
SECONDS = 120  # a package of 70 MB over a slow line


def install(package: str, folder: Path) -> None:
    """Install ``name@version`` into ``folder``; npm's own cache makes the second run fast."""
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    _run("npm", ["install", *options, package], folder, {})


def run(script: str, folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What the script prints, with the packages of ``folder`` at hand and ``env`` on top of the environment."""
    return _run("node", ["-e", script, *arguments], folder, env or {})


def _run(program: str, arguments: list[str], folder: Path, env: Mapping[str, str]) -> str:
    return subprocess.run(
        [BIN / program, *arguments],
        cwd=folder, env=os.environ | env, check=True, capture_output=True, text=True, timeout=SECONDS,
    ).stdout  # fmt: skip

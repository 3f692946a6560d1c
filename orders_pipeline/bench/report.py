"""Results of a benchmark as JSON for programs and as Markdown for people. Nothing is measured here."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``notes`` are full sentences that stand below it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        lines = [f"### {self.title}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line([_shown(cell) for cell in row]) for row in self.rows]
        return "\n".join([*lines, "", *self.notes, ""])


@dataclass(frozen=True, slots=True)
class Report:
    """The tables of one run."""

    command: str
    at: datetime
    tables: Sequence[Table]
    versions: Mapping[str, str]

    def markdown(self) -> str:
        made = f"{self.at:%Y-%m-%d %H:%M} UTC, {machine()}, " + ", ".join(f"{k} {v}" for k, v in self.versions.items())
        return "\n".join([f"`{self.command}`", "", f"{made}.", "", *(table.markdown() for table in self.tables)])

    def write(self, folder: Path, name: str) -> None:
        """``<name>.json`` and ``<name>.md`` in ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        facts = {**asdict(self), "at": self.at.isoformat(), "machine": machine()}
        (folder / f"{name}.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
        (folder / f"{name}.md").write_text(self.markdown(), encoding="utf-8")


def versions(*packages: str) -> dict[str, str]:
    """Installed versions of the packages, and Python's."""
    return {"Python": platform.python_version(), **{name: metadata.version(name) for name in packages}}


def machine() -> str:
    """Processor, cores and memory."""
    model = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, {platform.system()} {platform.release()}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)

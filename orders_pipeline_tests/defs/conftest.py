"""A code location loaded afresh for a test: its stanza file, data folder, clock and a temporary instance."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import msgspec
import pytest

from orders_pipeline.components.resources import Pipeline
from orders_pipeline.settings import DATA_ENV, DataFolder
from orders_pipeline.shops import SHOPS_ENV, Shop

FIRST_DAY = "2026-01-10"
"""The first day that reconciliation offers in tests: some days before the sandbox's stepped noon."""


def stanza_file(path: Path, *stanzas: str) -> Path:
    """A stanza file with these list items, each indented as YAML wants it."""
    listed = "\n".join(f"    - {stanza}" for stanza in stanzas)
    path.write_text(
        f"type: orders_pipeline.components.Shops\nattributes:\n  shops:\n{listed}\n"
        if stanzas
        else "type: orders_pipeline.components.Shops\nattributes:\n  shops: []\n",
        encoding="utf-8",
    )
    return path


def stanza_of(shop: Shop) -> str:
    """The shop's settings as one list item in flow style."""
    return msgspec.json.encode(shop).decode()


def forget() -> None:
    """Drop what has been imported of ``defs``: the shops of its lineage are read when it is imported."""
    for name in [name for name in sys.modules if name.startswith("orders_pipeline.defs")]:
        del sys.modules[name]


def load(pipeline: Pipeline | None = None) -> dg.RepositoryDefinition:
    """The code location as a new process would load it; with ``pipeline`` in place of its resource."""
    forget()
    from orders_pipeline import definitions

    defs = definitions.defs()
    if pipeline is not None:
        defs = dg.Definitions(
            assets=defs.assets,
            asset_checks=defs.asset_checks,
            jobs=defs.jobs,
            schedules=defs.schedules,
            sensors=defs.sensors,
            executor=defs.executor,
            resources={"pipeline": pipeline},
        )
    return defs.get_repository_def()


@pytest.fixture
def location(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dg.RepositoryDefinition]:
    """``location(stanza, …, pipeline=None)`` loads the code location with these stanzas and the test's data folder."""
    monkeypatch.setenv(DATA_ENV, str(folder.root))
    (folder.dagster / "first_day.txt").write_text(FIRST_DAY, encoding="utf-8")

    def load_(*stanzas: str, pipeline: Pipeline | None = None) -> dg.RepositoryDefinition:
        monkeypatch.setenv(SHOPS_ENV, str(stanza_file(folder.root / "shops.yaml", *stanzas)))
        return load(pipeline)

    return load_


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A persistent instance of the test's own."""
    home = tmp_path / "instance"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as made:
        yield made

"""Fixtures of this room: quotas on both stores (``quotas`` and ``recipe`` run on ``ops.sqlite`` and on a real Postgres), and
how ill a platform is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from orders_pipeline.clock import Clock
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.pauses import Pauses
from orders_pipeline.sync.quota import Quota
from orders_pipeline.sync.quota_log import QuotaLog
from orders_pipeline.sync.quota_postgres import PostgresLog
from orders_pipeline.sync.quota_sqlite import SqliteLog
from orders_pipeline_tests.sync.sickness import Dial

Quotas = Callable[..., Quota]
"""``quotas(limit, clock)``: one more connection to the same log, or to another with ``key``; closed at the test's end."""

URL_ENV = "QUOTA_URL"


@dataclass(frozen=True)
class Recipe:
    """How to open the log of one test, picklable: a file or a URL."""

    where: str
    key: str

    def open(
        self,
        limit: int,
        clock: Clock,
        *,
        key: str = "",
        pauses: Pauses | None = None,
        per_api: dict[str, int] | None = None,
    ) -> Quota:
        key = self.key + key
        log: QuotaLog
        if self.where.startswith("postgresql://"):
            log = PostgresLog(self.where, URL_ENV, key, clock=clock)
        else:
            log = SqliteLog(Ops(Path(self.where)), key, clock)
        return Quota(log, limit, pauses or Pauses(clock), per_api=per_api)


@pytest.fixture(params=["sqlite", "postgres"])
def recipe(request: pytest.FixtureRequest, tmp_path: Path) -> Recipe:
    key = uuid4().hex  # the server outlives the test
    if request.param == "postgres":
        return Recipe(f"postgresql://postgres:any@127.0.0.1:{request.getfixturevalue('postgres')}/postgres", key)
    Ops(tmp_path / "ops.sqlite").close()
    return Recipe(str(tmp_path / "ops.sqlite"), key)


@pytest.fixture
def quotas(recipe: Recipe) -> Iterator[Quotas]:
    opened = []

    def open_(limit: int, clock: Clock, **more: object) -> Quota:
        quota = recipe.open(limit, clock, **more)  # type: ignore[arg-type]
        opened.append(quota)
        return quota

    yield open_
    for quota in opened:
        quota.close()


@pytest.fixture
def dial() -> Dial:
    """How ill the platform of ``sick_sandbox`` is."""
    return Dial()

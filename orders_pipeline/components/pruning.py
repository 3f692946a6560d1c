"""Old runs leave the run history; what the UI shows of assets, partitions and checks stays.

Dagster keeps every event for ever and has no setting for that. Deleting a run takes its events away, and with them the
materialization of an asset's partition: so the runs that hold the newest fact about anything are kept, however old.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import dagster as dg
import sqlalchemy as db
from dagster._core.events import DagsterEventType
from dagster._core.storage.dagster_run import FINISHED_STATUSES, RunsFilter
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.runs.schema import RunTagsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

RUNS_KEPT = timedelta(days=14)
"""Two weeks answer "since when?", and the checks compare with as much."""

READS_KEPT = timedelta(days=1)
"""Runs that read messages, up to twelve a minute of a busy shop: what they did is in the call log and the tables."""

READ_TAG = "orders_pipeline/messages"

MOST = 20_000
"""Runs that one pruning deletes, at some 7 ms each: more than a day brings, and an end to a pass after a long pause."""

_PAGE = 500
"""Runs looked at in one query."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a pruning did."""

    deleted: int
    kept: int  # old enough, but the newest of something


def prune(
    instance: dg.DagsterInstance,
    now: datetime,
    *,
    runs_kept: timedelta = RUNS_KEPT,
    reads_kept: timedelta = READS_KEPT,
    most: int = MOST,
) -> Pruned:
    """Delete ended runs that were requested longer ago than these, oldest first, but none that holds the newest
    materialization of an asset or of a partition, or the newest evaluation of a check."""
    needed = runs_needed(instance)
    gone: list[str] = []
    kept = 0
    cursor: str | None = None
    old = RunsFilter(statuses=FINISHED_STATUSES, created_before=now - min(runs_kept, reads_kept))
    while len(gone) < most and (records := instance.get_run_records(old, _PAGE, cursor=cursor, ascending=True)):
        cursor = records[-1].dagster_run.run_id
        for record in records:
            age = now - record.create_timestamp
            if age < (reads_kept if READ_TAG in record.dagster_run.tags else runs_kept):
                continue
            if record.dagster_run.run_id in needed:
                kept += 1
            else:
                gone.append(record.dagster_run.run_id)
    for run_id in gone[:most]:
        _delete(instance, run_id)
    return Pruned(len(gone[:most]), kept)


def runs_needed(instance: dg.DagsterInstance) -> frozenset[str]:
    """Runs that hold the newest fact about an asset, a partition or a check."""
    log = cast(SqlEventLogStorage, instance.event_log_storage)
    runs: set[str] = set()
    storage_ids: list[int] = []
    for key in instance.all_asset_keys():
        newest = instance.get_latest_materialization_event(key)
        if newest:
            runs.add(newest.run_id)
        storage_ids += log.get_latest_storage_id_by_partition(key, DagsterEventType.ASSET_MATERIALIZATION).values()
    checks = AssetCheckExecutionsTable.c
    last_checks = db.select(db.func.max(checks.id)).group_by(checks.asset_key, checks.check_name)
    with log.index_connection() as con:
        events = SqlEventLogStorageTable.c
        runs |= set(con.execute(db.select(events.run_id).where(events.id.in_(storage_ids))).scalars())
        runs |= set(con.execute(db.select(checks.run_id).where(checks.id.in_(last_checks))).scalars())
    return frozenset(runs)


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    """The run, its events, and what Dagster's own deletion leaves behind: its check results, and its tags in SQLite."""
    log, runs = cast(SqlEventLogStorage, instance.event_log_storage), cast(SqlRunStorage, instance.run_storage)
    with log.index_connection() as con:
        con.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == run_id))
    with runs.connect() as con:
        con.execute(RunTagsTable.delete().where(RunTagsTable.c.run_id == run_id))
    instance.delete_run(run_id)

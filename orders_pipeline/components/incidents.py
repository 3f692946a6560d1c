"""A failed run becomes one open incident for its job, closed when the job succeeds again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orders_pipeline.components.resources import Pipeline

_OPEN = """
INSERT INTO ops.incidents (id, kind, shop, subject, opened_at, detail)
SELECT $id, 'run_failed', $shop, $job, $at, $detail
WHERE NOT EXISTS (FROM ops.incidents WHERE kind = 'run_failed' AND subject = $job AND closed_at IS NULL)
"""

_AGAIN = "UPDATE ops.incidents SET detail = $detail WHERE kind = 'run_failed' AND subject = $job AND closed_at IS NULL"

_CLOSE = "UPDATE ops.incidents SET closed_at = $at WHERE kind = 'run_failed' AND subject = $job AND closed_at IS NULL"

_IS_OPEN = "SELECT count(*) FROM ops.incidents WHERE kind = 'run_failed' AND subject = ? AND closed_at IS NULL"


def record_failure(pipeline: Pipeline, run_id: str, job: str, shop: str, detail: str) -> None:
    """Open the job's incident, or renew the line of the one that is open."""
    warehouse = pipeline.warehouse()
    with warehouse.write(f"incident of run {run_id}") as con:
        con.execute(_AGAIN, {"job": job, "detail": detail})
        con.execute(
            _OPEN, {"id": f"run:{run_id}", "shop": shop, "job": job, "at": pipeline.clock.now(), "detail": detail}
        )
    warehouse.flush()


def record_success(pipeline: Pipeline, job: str) -> bool:
    """Close the job's open incident; whether there was one. Takes the writer's lock only then."""
    warehouse = pipeline.warehouse()
    with warehouse.read() as con:
        if not (con.execute(_IS_OPEN, [job]).fetchone() or (0,))[0]:
            return False
    with warehouse.write(f"incident of job {job}") as con:
        con.execute(_CLOSE, {"job": job, "at": pipeline.clock.now()})
    warehouse.flush()
    return True

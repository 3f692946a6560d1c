"""Runs of a benchmark's stack, launched as the UI launches them, and what each of them cost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orders_pipeline.bench.stack import HOST, LOCATION, PATIENCE_SECONDS, Stack
from orders_pipeline.settings import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LAUNCH = """
mutation Launch($job: String!, $location: String!, $tags: [ExecutionTag!]) {
  launchRun(executionParams: {
    selector: {jobName: $job, repositoryName: "__repository__", repositoryLocationName: $location},
    executionMetadata: {tags: $tags}}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
_STATE = "query State($run: ID!) { runOrError(runId: $run) { ... on Run { status startTime endTime } } }"
_AUTOMATION = """
query Automation($at: RepositorySelector!) {
  sensorsOrError(repositorySelector: $at) { ... on Sensors {
    results { id sensorState { ticks(limit: 100) { timestamp status runIds } } } } }
  schedulesOrError(repositorySelector: $at) { ... on Schedules { results { id } } } }
"""
_STOP_SENSOR = "mutation Stop($id: String!) { stopSensor(id: $id) { __typename } }"
_STOP_SCHEDULE = "mutation Stop($id: String!) { stopRunningSchedule(id: $id) { __typename } }"
_UNDER_WAY = """
{ runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED]}) { ... on Runs { results { runId } } } }
"""
_ENDED = ("SUCCESS", "FAILURE", "CANCELED")
_LOOK_SECONDS = 0.1
_SETTLE_SECONDS = 1.0
"""A run's process lives on for a moment after the run has ended, and the code server reaps it once a second."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took: CPU seconds of all processes beyond what they use idle, and seconds from launch to success."""

    job: str
    run_id: str
    cpu: float
    wall: float


def stop_schedules(port: int) -> None:
    """Switch every schedule off, so that what runs was asked for by a sensor or launched here."""
    for one in _automation(port, "schedulesOrError"):
        _ask(port, _STOP_SCHEDULE, {"id": one["id"]})


def stop_sensors(port: int) -> None:
    """Switch every sensor off."""
    for one in _automation(port, "sensorsOrError"):
        _ask(port, _STOP_SENSOR, {"id": one["id"]})


def checks(port: int, since: float) -> list[list[str]]:
    """Of each evaluation of a sensor since that instant (seconds since the epoch), the ids of the runs that it asked for."""
    ticks = [tick for one in _automation(port, "sensorsOrError") for tick in one["sensorState"]["ticks"]]
    return [tick["runIds"] for tick in ticks if tick["timestamp"] >= since and tick["status"] != "STARTED"]


def under_way(port: int) -> int:
    """How many runs wait or work."""
    return len(_ask(port, _UNDER_WAY, {})["runsOrError"]["results"])


def _automation(port: int, kind: str) -> list[dict[str, Any]]:
    at = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION}
    found: list[dict[str, Any]] = _ask(port, _AUTOMATION, {"at": at})[kind]["results"]
    return found


def cost_of(stack: Stack, port: int, job: str, idle_rate: float, tags: Mapping[str, str] | None = None) -> Cost:
    """Launch ``job`` and wait for its success. ``idle_rate``: CPU seconds a second that the stack uses doing nothing."""
    before, begun = stack.cpu_seconds(), time.perf_counter()
    listed = [{"key": key, "value": value} for key, value in (tags or {}).items()]
    answer = _ask(port, _LAUNCH, {"job": job, "location": LOCATION, "tags": listed})["launchRun"]
    if "run" not in answer:
        raise UserError(f"Dagster did not launch {job}: {answer}.")
    run_id = answer["run"]["runId"]
    while (state := _ask(port, _STATE, {"run": run_id})["runOrError"])["status"] not in _ENDED:
        if time.perf_counter() - begun > PATIENCE_SECONDS:
            raise UserError(f"The run of {job} did not end within {PATIENCE_SECONDS:.0f} s.")
        time.sleep(_LOOK_SECONDS)
    wall = time.perf_counter() - begun
    if state["status"] != "SUCCESS":
        raise UserError(f"The run of {job} ended as {state['status']}: see {stack.folder.root}.")
    time.sleep(_SETTLE_SECONDS)
    spent = stack.cpu_seconds() - before - idle_rate * (time.perf_counter() - begun)
    return Cost(job, run_id, spent, wall)


def idle_rate(stack: Stack, seconds: float) -> float:
    """CPU seconds a second that the stack uses while nothing happens."""
    before, begun = stack.cpu_seconds(), time.perf_counter()
    time.sleep(seconds)
    return (stack.cpu_seconds() - before) / (time.perf_counter() - begun)


def _ask(port: int, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    import httpx

    response = httpx.post(
        f"http://{HOST}:{port}/graphql", json={"query": query, "variables": dict(variables)}, timeout=60.0
    )
    answer: dict[str, Any] = response.json()
    if "errors" in answer:
        raise UserError(f"Dagster refused the question: {answer['errors'][0]['message']}")
    data: dict[str, Any] = answer["data"]
    return data

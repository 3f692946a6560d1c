"""One history, however Dagster is started; and what ``dagster.yaml`` may not do."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._cli.utils import get_possibly_temporary_instance_for_cli

from orders_pipeline.components.loading import CODE_LOCATION
from orders_pipeline.settings import DATA_ENV

ROOT = Path(__file__).resolve().parents[2]


def run_once(instance: dg.DagsterInstance) -> str:
    """Store a finished run; its id."""

    @dg.op
    def nothing() -> None: ...

    @dg.job(executor_def=dg.in_process_executor)
    def job() -> None:
        nothing()

    return job.execute_in_process(instance=instance).run_id


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that holds ``dagster.yaml``, as a clone does."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(ROOT / "dagster.yaml", folder)
    return folder


def from_home(home: Path) -> dg.DagsterInstance:
    """As ``dagster-webserver``, ``dagster-daemon`` and our commands open it: DAGSTER_HOME is set."""
    return dg.DagsterInstance.from_config(str(home))


def test_without_any_setting_the_history_lies_beside_dagster_yaml(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(checkout))
    monkeypatch.chdir(tmp_path)  # not the working folder
    with from_home(checkout) as instance:
        run_id = run_once(instance)
    assert (checkout / "data" / "dagster" / "history" / "runs.db").is_file()
    monkeypatch.chdir(checkout)
    with from_home(checkout) as again:
        assert again.has_run(run_id)


def test_dagster_dev_without_dagster_home_keeps_the_same_history(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dagster dev` from the repository root makes a temporary home; the runs must not go with it."""
    monkeypatch.setenv(DATA_ENV, str(tmp_path / "data"))
    monkeypatch.chdir(checkout)
    with get_possibly_temporary_instance_for_cli("dagster dev") as instance:
        run_id = run_once(instance)
    assert not list(checkout.glob(".tmp_dagster_home_*"))
    with from_home(checkout) as instance:
        assert instance.has_run(run_id)


def test_a_run_worker_opens_the_instance_it_was_given(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_ENV, str(tmp_path / "data"))
    with from_home(checkout) as instance:
        run_id, reference = run_once(instance), instance.get_ref()
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.from_ref(reference) as worker:
        assert worker.has_run(run_id)


def test_demo_and_merchant_have_histories_of_their_own(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_ENV, str(tmp_path / "demo"))
    with from_home(checkout) as instance:
        run_id = run_once(instance)
    monkeypatch.setenv(DATA_ENV, str(tmp_path / "own"))
    with from_home(checkout) as instance:
        assert not instance.has_run(run_id)


def test_telemetry_is_off_and_nothing_that_a_step_prints_is_kept(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DATA_ENV, str(tmp_path / "data"))
    with from_home(checkout) as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled

        @dg.op
        def chatty() -> None:
            print("planted-in-a-print")  # noqa: T201

        @dg.job(executor_def=dg.in_process_executor)
        def job() -> None:
            chatty()

        job.execute_in_process(instance=instance)
    files = [file for folder in (tmp_path, checkout) for file in folder.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if b"planted-in-a-print" in file.read_bytes()]


def read(path: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / path).read_text(encoding="utf-8")))


def test_postgres_variant_differs_in_its_storage_only() -> None:
    embedded, postgres = read("dagster.yaml"), read("deploy/postgres/dagster.yaml")
    assert embedded.pop("storage") != postgres.pop("storage")
    assert embedded == postgres


def test_the_default_needs_no_environment() -> None:
    assert "{env:" not in "".join(
        line.partition("#")[0] for line in (ROOT / "dagster.yaml").read_text(encoding="utf-8").splitlines()
    )


def test_every_limit_is_explained() -> None:
    """Each line of the default that holds a number says why, on the line or the one above."""
    lines = (ROOT / "dagster.yaml").read_text(encoding="utf-8").splitlines()
    bare = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if any(character.isdigit() for character in line.partition("#")[0]) and "#" not in line and "#" not in above
    ]
    assert bare == []


def test_workspace_and_pyproject_name_the_same_location() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["dg"]["project"]
    module = read("workspace.yaml")["load_from"][0]["python_module"]
    assert module == {"module_name": f"{project['root_module']}.definitions", "location_name": CODE_LOCATION}
    assert project["code_location_name"] == CODE_LOCATION

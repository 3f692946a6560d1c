"""Help, exit codes and one-line errors of every command, whatever the command does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from orders_pipeline.cli import COMMANDS, main


def leaves(command: click.Command = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            child = command.get_command(click.Context(command), name)
            assert child is not None
            yield from leaves(child, (*path, name))
    else:
        yield path


ALL = [" ".join(path) for path in leaves()]
WITHOUT_DATA = {"sandbox", "shops add", "shops list"}  # these, and benchmarks, touch no data folder


def test_the_commands_are_those_of_the_contract() -> None:
    assert set(COMMANDS) == {
        "demo", "sandbox", "shops", "sync", "backfill", "reconcile", "forecast", "replenish", "status", "rebuild",
        "compact", "purge", "metrics", "bench",
    }  # fmt: skip
    assert {"shops add", "shops list", "shops check"} <= set(ALL)


@pytest.mark.parametrize("path", ["", "shops", *ALL])
def test_help_shows_an_example_of_itself(path: str) -> None:
    result = CliRunner().invoke(main, [*path.split(), "--help"])
    assert result.exit_code == 0
    _, _, example = result.output.partition("Example:\n")
    assert f"orders-pipeline {path}".strip() in example.split("\n\n")[0]


@pytest.mark.parametrize("path", sorted(path for path in set(ALL) - WITHOUT_DATA if not path.startswith("bench")))
def test_takes_a_data_folder(path: str) -> None:
    assert "--data DIR" in CliRunner().invoke(main, [*path.split(), "--help"]).output


@pytest.mark.parametrize("path", ["", "shops", *ALL])
def test_wrong_usage_is_one_line_and_exit_2(path: str) -> None:
    result = CliRunner().invoke(main, [*path.split(), "--no-such-option"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: No such option")
    assert " ".join(["See `orders-pipeline", *path.split(), "--help`."]) in result.stderr


def test_no_arguments_show_the_help() -> None:
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert "Example:" in result.output


class TestUnexpectedErrors:
    """A fault of the program: one line that gives its place and withholds its text, which may hold a customer's data."""

    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def explode() -> None:
            raise ValueError("13800138000")

        monkeypatch.setattr("orders_pipeline.cli.shops.read_stanzas", explode)

    @pytest.mark.usefixtures("broken")
    def test_is_one_line_with_a_hint(self) -> None:
        result = CliRunner().invoke(main, ["shops", "list"])
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert re.search(r"Unexpected ValueError at \w+\.py:\d+", result.stderr)
        assert "--debug" in result.stderr
        assert "13800138000" not in result.output

    @pytest.mark.usefixtures("broken")
    def test_debug_raises_it(self) -> None:
        assert isinstance(CliRunner().invoke(main, ["--debug", "shops", "list"]).exception, ValueError)

    @pytest.mark.usefixtures("broken")
    def test_debug_by_environment(self) -> None:
        result = CliRunner().invoke(main, ["shops", "list"], env={"ORDERS_PIPELINE_DEBUG": "1"})
        assert isinstance(result.exception, ValueError)


def test_installed_script_and_module_answer() -> None:
    module = [sys.executable, "-m", "orders_pipeline.cli", "--version"]
    script = [os.path.join(os.path.dirname(sys.executable), "orders-pipeline"), "--version"]
    answers = {
        subprocess.run(command, capture_output=True, check=True, text=True).stdout for command in (module, script)
    }
    assert len(answers) == 1

"""What must be nowhere in the tree: paths of one machine, addresses of package registries. And the README's commands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import pytest

from orders_pipeline.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent
READMES = ("README.md", "README.zh-CN.md")
THIS = Path(__file__).resolve()

FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.])/(work|home|root|Users|farm)/\w"),
    "a temporary path": re.compile(r"(?<![\w.])/tmp/\w"),
    "an index of packages": re.compile(r"--(extra-)?index-url|registry\s*=\s*\W?https?:|PIP_INDEX_URL|file:///"),
    "a registry's address": re.compile(
        r"https?://[^\s\"')]*(pypi|npmjs|npmmirror|artifactory|nexus)[^\s\"')]*", re.IGNORECASE
    ),
}


def tracked_text() -> list[Path]:
    """Every text file that is or would be committed."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.splitlines()
    files = [ROOT / name for name in listing if (ROOT / name).is_file() and (ROOT / name).resolve() != THIS]
    return [file for file in files if b"\0" not in file.read_bytes()[:8000]]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nowhere_in_the_tree(what: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for file in tracked_text()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if FORBIDDEN[what].search(line)
    ]
    assert not found


def code_blocks(readme: str, language: str) -> list[str]:
    text = (ROOT / readme).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_constraints_are_plain_pins() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) > 50
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][\w.!+]*", line) for line in lines)


@pytest.mark.parametrize("readme", READMES)
def test_both_commands_are_one_line_each_and_ci_runs_them(readme: str) -> None:
    lines = (ROOT / readme).read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv")]
    assert [command.rsplit(" && ", 1)[1] for command in commands] == [
        ".venv/bin/orders-pipeline demo",
        ".venv/bin/pytest",
    ]
    assert all("-c constraints.txt" in command for command in commands)
    script = (ROOT / ".ci" / "run").read_text()
    assert "readme 'pytest'" in script
    assert "readme 'orders-pipeline demo'" in script


def test_both_readmes_show_the_same_code() -> None:
    for language in ("bash", "sql", "python", "yaml"):
        english, chinese = (code_blocks(readme, language) for readme in READMES)
        strip = re.compile(r"\s*#.*|\s*--.*")  # comments are translated
        assert [strip.sub("", block) for block in english] == [strip.sub("", block) for block in chinese]


@pytest.mark.parametrize("readme", READMES)
def test_every_command_that_is_named_exists(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    for words in re.findall(r"orders-pipeline ((?:[a-z]+ ?)+)", text):
        command: click.Command = main
        for word in words.split():
            if not isinstance(command, click.Group):
                break
            child = command.get_command(click.Context(command), word)
            assert child is not None, words
            command = child


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_of_a_shop_is_in_the_table(readme: str) -> None:
    from orders_pipeline.shops import Shop

    text = (ROOT / readme).read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert set(Shop.__struct_fields__) <= named


@pytest.mark.parametrize("readme", READMES)
def test_every_file_that_is_linked_exists(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []

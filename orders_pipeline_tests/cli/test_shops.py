"""Stanzas are added as text: comments stay, what does not validate is not written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orders_pipeline.cli import main
from orders_pipeline.shops import DEFAULT_FILE, read_stanzas

HAND_WRITTEN = """# our shops
type: orders_pipeline.components.Shops
attributes:
  shops:
    # the oldest
    - shop: tea_tmall
      platform: tmall   # since 2019
      owners:
        - "team:ops"  # call them first
# the end
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "shops.yaml"
    monkeypatch.setenv("ORDERS_PIPELINE_SHOPS", str(path))
    for name in ("TOP_APP_KEY", "TOP_APP_SECRET", "TOP_SESSION"):
        monkeypatch.delenv(name, raising=False)
    return path


def add(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["shops", "add", *arguments])


def slugs(path: Path) -> list[str]:
    good, bad = read_stanzas(path)
    assert not bad
    return [shop.shop for shop in good]


def test_adds_to_the_file_that_is_shipped(file: Path) -> None:
    """It ends in ``shops: []`` below a comment that shows a stanza."""
    shipped = DEFAULT_FILE.read_text(encoding="utf-8")
    file.write_text(
        shipped.replace(shipped[shipped.index("\nattributes:") :], "\nattributes:\n  shops: []\n"), encoding="utf-8"
    )
    assert add("tea_tmall").exit_code == 0
    assert slugs(file) == ["tea_tmall"]
    assert file.read_text(encoding="utf-8").startswith(shipped.split("\ntype:")[0])


def test_creates_a_file_that_is_not_there(file: Path) -> None:
    assert add("tea_tmall").exit_code == 0
    assert slugs(file) == ["tea_tmall"]


def test_every_line_of_the_merchant_stays(file: Path) -> None:
    file.write_text(HAND_WRITTEN, encoding="utf-8")
    assert add("coffee", "--platform", "taobao", "--stock-pool", "main").exit_code == 0
    after = file.read_text(encoding="utf-8").splitlines()
    assert [line for line in HAND_WRITTEN.splitlines() if line not in after] == []
    good, _ = read_stanzas(file)
    assert [(shop.shop, shop.platform, shop.stock_pool, shop.owners) for shop in good] == [
        ("tea_tmall", "tmall", None, ("team:ops",)),
        ("coffee", "taobao", "main", ()),
    ]


@pytest.mark.parametrize(
    "text", [HAND_WRITTEN.rstrip("\n"), HAND_WRITTEN.replace("# the end\n", ""), HAND_WRITTEN + "\n\n"]
)
def test_ends_of_files(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    for slug in ("one", "two", "three"):
        assert add(slug).exit_code == 0
    assert slugs(file) == ["tea_tmall", "one", "two", "three"]


def test_says_which_variables_to_set(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOP_APP_KEY", "1")
    output = add("tea_tmall").output
    assert "TOP_APP_SECRET, TOP_SESSION" in output
    assert "TOP_APP_KEY" not in output
    assert "orders-pipeline shops check tea_tmall" in output


def test_a_further_shop_gets_a_session_of_its_own(file: Path) -> None:
    add("tea_tmall")
    assert "TOP_SESSION_COFFEE" in add("coffee").output
    first, second = read_stanzas(file)[0]
    assert first.app_key_env == second.app_key_env
    assert first.session_env != second.session_env
    assert first.refresh_token_env != second.refresh_token_env


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("Tea",), "shop: must be a small letter, then small letters, digits and _"),
        (("tea_tmall",), "listed twice"),
        (("coffee", "--calls-per-minute", "0"), "calls_per_minute: Expected `int` >= 1"),
    ],
)
def test_what_does_not_validate_is_not_written(file: Path, arguments: tuple[str, ...], says: str) -> None:
    file.write_text(HAND_WRITTEN, encoding="utf-8")
    result = add(*arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert says in result.stderr
    assert file.read_text(encoding="utf-8") == HAND_WRITTEN
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("attributes:\n  shops: [{shop: tea, platform: tmall}]\n", "not in brackets"),
        ("attributes:\n  shops: {\n", "shops.yaml:3: not valid YAML"),
        ("shops: []\n", "expected `attributes:`"),
    ],
)
def test_a_file_that_cannot_be_added_to(file: Path, text: str, says: str) -> None:
    file.write_text(text, encoding="utf-8")
    result = add("coffee")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert says in result.stderr
    assert file.read_text(encoding="utf-8") == text


def test_a_folder_that_cannot_be_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("a file, not a folder")
    monkeypatch.setenv("ORDERS_PIPELINE_SHOPS", str(file / "shops.yaml"))
    result = add("coffee")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_list_shows_good_stanzas_and_names_bad_ones(file: Path) -> None:
    file.write_text(HAND_WRITTEN.replace("# the end", "    - shop: coffee\n      platfrom: tmall"), encoding="utf-8")
    result = CliRunner().invoke(main, ["shops", "list"])
    assert result.exit_code == 1
    assert "tea_tmall" in result.stdout
    assert f"Error: {file}:10: setting 'platform' is missing" in result.stderr or f"Error: {file}:11:" in result.stderr


def test_list_without_shops(file: Path) -> None:
    file.write_text("attributes:\n  shops: []\n")
    result = CliRunner().invoke(main, ["shops", "list"])
    assert result.exit_code == 0
    assert "orders-pipeline shops add" in result.stdout

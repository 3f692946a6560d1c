"""The merchant's list of shops: one YAML stanza a shop, each validated on its own, with file and line in every complaint.

Reads ``defs/shops/defs.yaml`` (or the file named by ``ORDERS_PIPELINE_SHOPS``) without Dagster, so that the shell commands
stay light. Secrets are named here, never held: ``credentials()`` looks them up at the moment of use.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
import yaml
from dotenv import dotenv_values
from msgspec import Meta

from orders_pipeline.settings import UserError, project_root

SHOPS_ENV = "ORDERS_PIPELINE_SHOPS"
DEFAULT_FILE = Path(__file__).parent / "defs" / "shops" / "defs.yaml"


NEAREST = 3
"""Names offered in place of a wrong one; all of them where none is near."""


Platform = Literal["taobao", "tmall", "douyin"]


class Shop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One shop's stanza. Field names are the settings of the README's table; defaults are Taobao's production addresses."""

    shop: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}\Z")]  # slug, unique across platforms
    platform: Platform
    gateway_url: str = "https://eco.taobao.com/router/rest"
    token_url: str = "https://oauth.taobao.com/token"  # noqa: S105 - an address, not a secret
    authorize_url: str = "https://oauth.taobao.com/authorize"
    app_key_env: str = "TOP_APP_KEY"
    app_secret_env: str = "TOP_APP_SECRET"  # noqa: S105 - the name of a variable
    session_env: str = "TOP_SESSION"
    refresh_token_env: str = "TOP_REFRESH_TOKEN"  # noqa: S105 - the name of a variable
    calls_per_minute: Annotated[int, Meta(ge=1)] = 100  # quota of the app key in any 60 seconds
    # lower quotas of single apis, by the platform's name
    api_calls_per_minute: dict[str, Annotated[int, Meta(ge=1)]] = {}
    # names the postgresql:// URL of machines that share the key; None = this one alone
    quota_url_env: str | None = None
    stock_pool: str | None = None  # shops that sell from one stock share a name; None = a stock of its own
    owners: tuple[str, ...] = ()
    backfill_days: Annotated[int, Meta(ge=1, le=92)] = 90  # the platform lists three calendar months
    poll_seconds: Annotated[int, Meta(ge=5)] = 30  # Dagster's sensor loop cannot go below 5 s
    # how long a run goes on reading after the last message, for changes within seconds; 0 = it ends at once. Ten minutes is
    # the longest that such a run lasts
    linger_seconds: Annotated[int, Meta(ge=0, le=600)] = 0

    def __post_init__(self) -> None:
        """A limit of a name that nothing calls by would silently limit nothing."""
        if self.api_calls_per_minute and self.platform in ("taobao", "tmall"):
            from orders_pipeline.platforms.taobao.names import APIS

            for name in self.api_calls_per_minute.keys() - APIS:
                near = difflib.get_close_matches(name, sorted(APIS), n=NEAREST) or sorted(APIS)
                raise ValueError(  # msgspec names no place for a fault that is found here
                    f"{name!r} is no API that is called; nearest: {', '.join(near)} - at `$.api_calls_per_minute`"
                )

    @classmethod
    def of(cls, stanza: object) -> Shop:
        """From a stanza as YAML gives it; a number may stand in quotes. Raises msgspec.ValidationError at the first fault."""
        return msgspec.convert(stanza, cls, strict=False)

    @property
    def pool(self) -> str:
        """The stock that this shop sells from."""
        return self.stock_pool or self.shop


@dataclass(frozen=True, slots=True)
class BadStanza:
    """A stanza that does not validate: where it stands and what is wrong, one line."""

    name: str
    file: Path
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Secrets of one shop, read from the environment or ``.env``. ``repr`` shows none of them."""

    app_key: str
    app_secret: str = field(repr=False)
    session: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    quota_url: str | None = field(default=None, repr=False)


def shops_file() -> Path:
    """The stanza file in force."""
    named = os.environ.get(SHOPS_ENV)
    return Path(named) if named else DEFAULT_FILE


def read_stanzas(file: Path | None = None) -> tuple[list[Shop], list[BadStanza]]:
    """Every stanza of the file, the good and the bad. Raises UserError when the file as a whole is not a list of stanzas."""
    file = file or shops_file()
    if not file.is_file():
        raise UserError(f"{file}: no such file; run `orders-pipeline shops add` or unset {SHOPS_ENV}.")
    good: list[Shop] = []
    bad: list[BadStanza] = []
    seen: set[str] = set()
    for index, (node, value) in enumerate(_stanza_nodes(file)):
        line = node.start_mark.line + 1
        name = str(value.get("shop", f"stanza_{index + 1}")) if isinstance(value, dict) else f"stanza_{index + 1}"
        try:
            shop = Shop.of(value)
        except msgspec.ValidationError as error:
            bad.append(BadStanza(name, file, *_problem(str(error), node, line)))
            continue
        if shop.shop in seen:
            bad.append(BadStanza(name, file, line, f"shop {shop.shop!r} is listed twice: give each shop its own slug"))
            continue
        seen.add(shop.shop)
        good.append(shop)
    return good, bad


def load_shop(slug: str, file: Path | None = None) -> Shop:
    """The shop of that slug. Raises UserError naming the shops there are, or the fault in its stanza."""
    good, bad = read_stanzas(file)
    for shop in good:
        if shop.shop == slug:
            return shop
    for stanza in bad:
        if stanza.name == slug:
            raise UserError(str(stanza))
    known = ", ".join(shop.shop for shop in good) or "none yet; add one with `orders-pipeline shops add`"
    raise UserError(f"No shop {slug!r} in {file or shops_file()}. Shops: {known}.")


def credentials(shop: Shop) -> Credentials:
    """The shop's secrets. Raises UserError naming the variable that is missing, never a value."""
    values = _dot_env() | {key: value for key, value in os.environ.items() if value}
    needed = (shop.app_key_env, shop.app_secret_env, shop.session_env, shop.quota_url_env)
    missing = [name for name in needed if name and not values.get(name)]
    if missing:
        raise UserError(
            f"Shop {shop.shop}: set {', '.join(missing)} in the environment or in {project_root() / '.env'}."
        )
    return Credentials(
        app_key=values[shop.app_key_env],
        app_secret=values[shop.app_secret_env],
        session=values[shop.session_env],
        refresh_token=values.get(shop.refresh_token_env) or None,
        quota_url=values[shop.quota_url_env] if shop.quota_url_env else None,
    )


@lru_cache(maxsize=8)
def _parse_env_file(file: Path, _stamp: int) -> dict[str, str]:
    return {key: value for key, value in dotenv_values(file).items() if value}


def _dot_env() -> dict[str, str]:
    file = project_root() / ".env"
    return dict(_parse_env_file(file, file.stat().st_mtime_ns)) if file.is_file() else {}


def _stanza_nodes(file: Path) -> Iterator[tuple[yaml.Node, Any]]:
    """Each item of ``attributes.shops`` with its YAML node, which knows its line."""
    text = file.read_text(encoding="utf-8")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}" if mark else str(file)
        raise UserError(f"{place}: not valid YAML ({error.problem}): mend this line.") from None
    node = _child(_child(root, "attributes"), "shops")
    if node is None:
        raise UserError(f"{file}: expected `attributes:` with a list `shops:` below it.")
    values = document["attributes"]["shops"] or []
    if not isinstance(values, list):
        raise UserError(f"{file}:{node.start_mark.line + 1}: `shops` must be a list, one `- shop: …` stanza a shop.")
    yield from zip(node.value if isinstance(node, yaml.SequenceNode) else [], values, strict=True)


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return value  # type: ignore[no-any-return]
    return None


_WANTED = {
    "shop": "must be a small letter, then small letters, digits and _, 40 in all at most",
    "platform": f"must be one of {', '.join(get_args(Platform))}",
}
_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `(?P<key>.+)`", re.DOTALL)
_PLACE = re.compile(r"(?P<text>.*) - at (?P<name>`key` in )?`\$\.?(?P<key>\w*).*`", re.DOTALL)


def _problem(said: str, node: yaml.Node, line: int) -> tuple[int, str]:
    """Line and text of what msgspec says of a stanza; the stanza's own line where the fault is an absent key."""
    key, text = "", said
    if found := _FIELD.fullmatch(said):
        key = found["key"]
        unknown = f"unknown setting {key!r}: see the README's list of shop settings"
        text = unknown if "unknown" in said else f"setting {key!r} is missing"
    elif found := _PLACE.fullmatch(said):
        key = found["key"]
        what = "a name of a setting is no text" if found["name"] else _WANTED.get(key, found["text"])
        text = f"{key}: {what}" if key else what
    if isinstance(node, yaml.MappingNode):
        for name, _ in node.value:
            if name.value == key:
                line = name.start_mark.line + 1
    return line, text

"""Options that several commands share, and the step from options to a data folder and shops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.settings import DATA_ENV, UserError
from orders_pipeline.shops import Shop, load_shop, read_stanzas, shops_file

F = Callable[..., Any]


def data_option(command: F) -> F:
    """``--data DIR``, passed as ``data: Path | None``."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help=f"Data folder; default: {DATA_ENV}, else data/ beside dagster.yaml.",
    )(command)


def shops_option(command: F) -> F:
    """``--shop SLUG``, repeatable, passed as ``slugs``."""
    return click.option(
        "--shop", "slugs", multiple=True, metavar="SLUG", help="Only this shop; repeatable; default: every shop."
    )(command)


def day_option(*names: str, help_text: str) -> Callable[[F], F]:
    """An option that takes YYYY-MM-DD, a day in Asia/Shanghai, passed as ``date | None``."""
    return click.option(*names, type=click.DateTime(["%Y-%m-%d"]), callback=_as_day, metavar="DATE", help=help_text)


def _as_day(_ctx: click.Context, _param: click.Parameter, value: datetime | None) -> date | None:
    return value.date() if value else None


def local(instant: datetime | None) -> str:
    """An instant as people in Shanghai read it; ``-`` for none."""
    return instant.astimezone(SHOP_TZ).strftime("%Y-%m-%d %H:%M:%S") if instant else "-"


def chosen_shops(slugs: Sequence[str]) -> Iterator[Shop | UserError]:
    """The named shops, or all; a stanza that does not validate comes out as the error to show.

    Raises UserError when no shop is configured.
    """
    if slugs:
        for slug in dict.fromkeys(slugs):
            try:
                yield load_shop(slug)
            except UserError as error:
                yield error
        return
    good, bad = read_stanzas()
    if not good and not bad:
        raise UserError(
            f"No shop in {shops_file()}: add one with `orders-pipeline shops add`, or try `orders-pipeline demo`."
        )
    yield from good
    for stanza in bad:
        yield UserError(str(stanza))


def about(shop: Shop | UserError, error: Exception) -> str:
    """The error with its shop's name in front, unless it says which shop it is about."""
    if isinstance(shop, UserError) or shop.shop in str(error):
        return str(error)
    return f"{shop.shop}: {error}"

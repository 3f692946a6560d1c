"""``orders-pipeline shops add / list / check``: the merchant's list of shops from the shell."""

from __future__ import annotations

import os
from pathlib import Path

import click

from orders_pipeline.cli.console import show_table, tell
from orders_pipeline.cli.options import about, chosen_shops, data_option, local
from orders_pipeline.cli.stanza import add_stanza
from orders_pipeline.light import without_pandas
from orders_pipeline.platforms.base import PlatformError
from orders_pipeline.settings import UserError, data_folder, project_root
from orders_pipeline.shops import Shop, credentials, read_stanzas, shops_file


@click.group()
def shops() -> None:
    """Connect a shop, list shops, test a shop's credentials.

    \b
    Example:
      orders-pipeline shops list
    """


@shops.command()
@click.argument("slug")
@click.option(
    "--platform", type=click.Choice(["taobao", "tmall"]), default="tmall", show_default=True, help="Platform."
)
@click.option("--gateway-url", metavar="URL", help="Gateway, if not the platform's own (a sandbox, a proxy).")
@click.option("--calls-per-minute", type=int, metavar="N", help="The app key's quota, if not 100.")
@click.option("--stock-pool", metavar="NAME", help="Shops that sell from one stock share this name.")
@click.option("--session-env", metavar="NAME", help="Variable that holds the shop's session.")
@click.option("--app-key-env", metavar="NAME", help="Variable that holds the app key.")
@click.option("--app-secret-env", metavar="NAME", help="Variable that holds the app secret.")
def add(slug: str, platform: str, **given: str | int | None) -> None:
    """Add a shop's stanza to the stanza file and say which variables to set. SLUG: a-z, 0-9 and _.

    Nothing secret is asked for or written. A further shop of the same app gets a session variable of its own.

    \b
    Example:
      orders-pipeline shops add tea_tmall --platform tmall
    """
    file = shops_file()
    settings: dict[str, str | int] = {"shop": slug, "platform": platform}
    settings |= {key: value for key, value in given.items() if value is not None}
    others = read_stanzas(file)[0] if file.is_file() else []
    if "session_env" not in settings and any(shop.session_env == "TOP_SESSION" for shop in others):
        settings["session_env"] = f"TOP_SESSION_{slug.upper()}"
    if settings.get("session_env"):
        settings["refresh_token_env"] = f"{settings['session_env']}_REFRESH"
    shop = add_stanza(file, settings)
    tell(f"Added {shop.shop} ({shop.platform}) to {_shown(file)}.")
    missing = [name for name in _variables(shop) if not os.environ.get(name)]
    if missing:
        tell(f"Set in {_shown(project_root() / '.env')} (or the environment): {', '.join(missing)}")
        tell(f"{shop.refresh_token_env} is optional: with it an expired session renews itself.")
    tell(f"Then: orders-pipeline shops check {shop.shop}")


@shops.command("list")
def list_shops() -> None:
    """List the shops of the stanza file; exit 1 if a stanza does not validate.

    \b
    Example:
      orders-pipeline shops list
    """
    good, bad = read_stanzas()
    if good:
        columns = ["shop", "platform", "gateway", "calls/min>", "stock pool", "credentials"]
        show_table(
            f"Shops in {_shown(shops_file())}",
            columns,
            [(s.shop, s.platform, s.gateway_url, s.calls_per_minute, s.pool, _credentials(s)) for s in good],
        )
    elif not bad:
        tell(f"No shop in {_shown(shops_file())} yet: add one with `orders-pipeline shops add`.")
    for stanza in bad:
        click.echo(f"Error: {stanza}", err=True)
    if bad:
        raise click.exceptions.Exit(1)


@shops.command()
@click.argument("slugs", nargs=-1, metavar="[SLUG]...")
@data_option
def check(slugs: tuple[str, ...], data: Path | None) -> None:
    """Test credentials and permissions of shops (default: all) with one cheap call each; exit 1 if one fails.

    \b
    Example:
      orders-pipeline shops check tea_tmall
    """
    from orders_pipeline.sync import ShopSync

    folder = data_folder(data).create()
    failed = False
    for shop in chosen_shops(slugs):
        try:
            if isinstance(shop, UserError):
                raise shop
            with without_pandas(), ShopSync.open(shop, folder, holder="orders-pipeline shops check") as sync:
                tell(f"{shop.shop}: credentials work; the platform's clock says {local(sync.check())}")
        except (UserError, PlatformError) as error:
            click.echo(f"Error: {about(shop, error)}", err=True)
            failed = True
    if failed:
        raise click.exceptions.Exit(1)


def _variables(shop: Shop) -> tuple[str, ...]:
    return (shop.app_key_env, shop.app_secret_env, shop.session_env)


def _credentials(shop: Shop) -> str:
    try:
        credentials(shop)
    except UserError as error:
        return str(error).split(": ", 1)[1].split(" in the")[0]
    return "set"


def _shown(path: Path) -> str:
    """A path as short as it is clear: relative to the working folder where it lies below."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)

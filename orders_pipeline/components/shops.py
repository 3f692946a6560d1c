"""The ``Shops`` component: the list of stanzas in ``defs/shops/defs.yaml`` becomes each shop's assets, checks, job,
schedules and sensors.

Each stanza stands on its own: a bad one becomes an asset that fails with file, line and problem; the others load.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import dagster as dg

from orders_pipeline.components.automation import no_shop_automation, shop_automation
from orders_pipeline.components.messages import key_groups, message_automation
from orders_pipeline.components.misconfigured import Fault, misconfigured_definitions
from orders_pipeline.components.refetch import refetch_automation
from orders_pipeline.components.shop_assets import shop_assets
from orders_pipeline.components.shop_checks import shop_checks
from orders_pipeline.settings import UserError
from orders_pipeline.shops import Shop, read_stanzas


class Shops(dg.Component, dg.Model, dg.Resolvable):
    """All shops of one merchant. Settings of a stanza: see the README."""

    shops: Any = None  # validated by ``read_stanzas``, stanza by stanza, so that one fault does not take all shops away

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002
        return shop_definitions()


def stanzas() -> tuple[list[Shop], list[Fault]]:
    """Good stanzas of the file in force, and the faults of the others; a file that is no list of stanzas is one fault,
    told on stderr too."""
    try:
        good, bad = read_stanzas()
    except UserError as error:
        _tell(str(error))
        return [], [Fault("misconfigured", str(error))]
    return good, [Fault(stanza.name, str(stanza)) for stanza in bad]


@lru_cache
def _tell(text: str) -> None:
    """The one clear line for whoever started Dagster: once a process, however often the file is looked at."""
    print(f"orders-pipeline: {text}", file=sys.stderr)  # noqa: T201


def shop_definitions() -> dg.Definitions:
    """Definitions of every shop of the stanza file, and of what stands in their place while there is none."""
    good, bad = stanzas()
    parts = [misconfigured_definitions(bad), message_automation(good)]
    shops_of_key = {member.shop: len(members) for _, members in key_groups(good) for member in members}
    for place, shop in enumerate(good):
        parts.append(dg.Definitions(assets=shop_assets(shop), asset_checks=shop_checks(shop)))
        parts += [shop_automation(shop, shops_of_key[shop.shop], place), refetch_automation(shop)]
    if not good:
        parts.append(no_shop_automation())
    return dg.Definitions.merge(*parts)

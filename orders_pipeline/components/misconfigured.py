"""A stanza that does not validate, shown where its shop would stand: an asset that fails with file, line and problem."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

_SLUG = re.compile(r"[a-z0-9_]+")
"""What Dagster takes as part of a group's name; anything else shows under ``misconfigured``."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps a shop from loading: the name its stanza gives, and one line with file, line and problem."""

    name: str
    text: str

    @property
    def slug(self) -> str:
        return self.name if _SLUG.fullmatch(self.name) else "misconfigured"


def misconfigured_definitions(faults: Sequence[Fault]) -> dg.Definitions:
    """One failing asset a fault, and what makes it fail once by itself, so that it is red and not merely empty. Several
    faults under one name are numbered in the order of the file."""
    seen: dict[str, int] = {}
    assets = []
    for fault in faults:
        seen[fault.slug] = seen.get(fault.slug, 0) + 1
        suffix = f"_{seen[fault.slug]}" if seen[fault.slug] > 1 else ""
        assets.append(_failing(fault, f"misconfigured{suffix}"))
    return dg.Definitions(assets=assets, jobs=[_job(assets)], sensors=[_sensor(faults)]) if assets else dg.Definitions()


def _job(assets: Sequence[dg.AssetsDefinition]) -> AssetJob:
    return dg.define_asset_job(
        "misconfigured_shops",
        selection=dg.AssetSelection.assets(*assets),
        description="Fails, naming file, line and problem of each stanza that does not validate.",
    )


def _sensor(faults: Sequence[Fault]) -> dg.SensorDefinition:
    texts = "\n".join(fault.text for fault in faults)

    @dg.sensor(
        name="misconfigured_shops_sensor",
        job_name="misconfigured_shops",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts the failing run of the stanzas that do not validate, once for each set of faults.",
    )
    def report() -> dg.RunRequest:
        return dg.RunRequest(run_key=hashlib.sha256(texts.encode()).hexdigest())

    return report


def _failing(fault: Fault, name: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=[fault.slug, name],
        group_name=f"shops/{fault.slug}",
        description=f"**This shop is not loaded.**\n\n`{fault.text}`\n\nMend the stanza and reload the code location.",
        kinds={"yaml"},
        metadata={"problem": fault.text},
    )
    def misconfigured() -> None:
        raise dg.Failure(fault.text, allow_retries=False)

    return misconfigured

"""The one resource: where the data lives and what time it is."""

import dagster as dg

from orders_pipeline.components.resources import Pipeline


@dg.definitions
def resources() -> dg.Definitions:
    return dg.Definitions(resources={"pipeline": Pipeline()})

"""The DuckDB file: schema, the one way to write it, staging and upserts, and the copies that readers open.

Knows raw files, not who fetched them; a platform's words only through that platform's mapping folder.
"""

from orders_pipeline.warehouse.compact import CompactReport
from orders_pipeline.warehouse.publish import Published
from orders_pipeline.warehouse.purge import DEFAULT_DAYS, LEAST_DAYS, PurgeReport, purged_until
from orders_pipeline.warehouse.report import ApplyReport
from orders_pipeline.warehouse.schema import Column, columns, comment, tables
from orders_pipeline.warehouse.stage import Stage, mapping_version
from orders_pipeline.warehouse.store import Warehouse

__all__ = [
    "DEFAULT_DAYS",
    "LEAST_DAYS",
    "ApplyReport",
    "Column",
    "CompactReport",
    "Published",
    "PurgeReport",
    "Stage",
    "Warehouse",
    "columns",
    "comment",
    "mapping_version",
    "purged_until",
    "tables",
]

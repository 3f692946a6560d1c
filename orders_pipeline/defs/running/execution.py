"""How runs execute: all steps in the run's own process. A process per step costs 2 to 3 CPU-seconds each, more than most
steps take, and DuckDB has one writer anyway."""

import dagster as dg


@dg.definitions
def execution() -> dg.Definitions:
    return dg.Definitions(executor=dg.in_process_executor)

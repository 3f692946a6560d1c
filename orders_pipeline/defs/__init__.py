"""Everything that Dagster loads: assets, checks, schedules, sensors, resources. Nothing imports from here.

A module with a ``@dg.definitions`` function loads only that: ``resources.py`` and ``execution.py`` hold nothing else.
"""

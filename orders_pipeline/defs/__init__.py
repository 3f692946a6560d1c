"""Everything that Dagster loads: assets, checks, schedules, sensors, resources. Nothing imports from here.

A module with a ``@dg.definitions`` function loads only that: the modules of ``running/`` hold nothing else. Modules stand in
folders, never here: each folder loads by itself when the stanza file cannot be read.
"""

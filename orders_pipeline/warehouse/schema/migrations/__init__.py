"""Scripts that bring older files up to date: ``0002_<what>.sql`` leads from schema version 1 to 2.

A fresh file is made by the DDL one folder up, which always describes the newest version.
"""

"""Orders of Taobao, Tmall and Douyin shops: kept in step with the platform, turned into forecasts and purchase suggestions.

Rooms: ``platforms`` (wire protocols), ``sync`` (windows, ledger, quota), ``warehouse`` (DuckDB), ``forecasting``,
``replenishment``, ``quality``, ``sandbox`` (a local platform), ``defs`` and ``components`` (Dagster), ``cli``.
"""

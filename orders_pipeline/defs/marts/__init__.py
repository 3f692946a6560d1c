"""The assets across shops, one module a group."""

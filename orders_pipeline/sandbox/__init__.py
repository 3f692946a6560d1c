"""A platform on loopback that speaks the real wire protocol, and a simulated or replayed shop behind it.

``server`` serves, ``gateway`` and ``apis`` speak TOP, ``store`` holds what the platform knows, ``world`` makes it live.
Nothing of the pipeline is imported here but its clock and its errors: the two sides meet on the wire only.
"""

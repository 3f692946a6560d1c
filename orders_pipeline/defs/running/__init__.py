"""How every run is executed and what it is given."""

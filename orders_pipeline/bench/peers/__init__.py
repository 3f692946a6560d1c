"""What the product is compared with. Each module is a program that loads the bench server's orders into its own DuckDB file.

Nothing of the product's own rooms is used, and nothing here is used by them.
"""

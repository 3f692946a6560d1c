"""The benchmarks: what the product is measured by, on data that are facts of the world, and beside what users would use instead.

One folder a benchmark; ``cli/bench.py`` lists them. Nothing in the product imports from here.
"""

"""What ``orders-pipeline bench`` measures: one module a benchmark, and what they share (platform, processes, report).

Benchmarks run the product's own processes and read their results from outside. Nothing imports this room but its command.
"""

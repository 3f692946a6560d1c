"""What ``orders-pipeline bench`` measures: one module a benchmark, and what they share (platform, processes, report).

Benchmarks run the product's own processes, CPU seconds and ratios within one run before seconds, and read the results from
outside. Nothing imports this room but its commands. Figures of the last run and how to repeat it: ``docs/performance.md``.
What must hold on any machine belongs into tests.
"""

"""Benchmarks of the product as its users run it: whole processes, CPU seconds, ratios within one run before seconds.

What is measured is never imported here: each contestant is a process of its own. Figures of the last run and how to repeat
it: ``docs/performance.md``. What must hold on any machine belongs into tests.
"""

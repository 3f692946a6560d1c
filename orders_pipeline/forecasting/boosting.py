"""Settings that the boosted models share. Trees and rows are each model's own."""

LEAVES = 15
LEARNING_RATE = 0.1
DAY_BINS, WEEK_BINS = 63, 31
"""Of each feature. 255 change no metric on two panels; with fewer a node's histogram stays within the processor's nearest cache,
which makes a fit 3 to 7 times as fast when others use the machine too (80 trees on 120,000 weeks: 21 s, 3.2 s, 2.0 s)."""

"""Settings that the boosted models share. Trees and rows are each model's own."""

LEAVES = 15
LEARNING_RATE = 0.1
BINS = 31
"""Of each feature. 255 change no metric on two panels; 31 keep a node's histogram within the processor's nearest cache, which
makes a fit 3 to 10 times as fast when others use the machine too."""

"""``python -m orders_pipeline.cli``: how ``demo`` starts its own children, whatever the PATH is."""

from orders_pipeline.cli import main

main(prog_name="orders-pipeline")

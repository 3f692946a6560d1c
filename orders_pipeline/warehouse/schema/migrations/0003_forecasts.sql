-- Forecasts say how ties with a quantile count, and what bulk orders add to a week; which model makes them is a decision.
ALTER TABLE planning.sales_forecasts ADD COLUMN q90_share DOUBLE;
ALTER TABLE planning.sales_forecasts ADD COLUMN q95_share DOUBLE;
ALTER TABLE planning.sales_forecast_totals ADD COLUMN mean_with_bulk DOUBLE;
COMMENT ON COLUMN planning.sales_forecasts.q90_share IS 'Of days that sell exactly q90, the share that belongs to the lowest 0.90: makes coverage of whole units exact. NULL = counted whole.';
COMMENT ON COLUMN planning.sales_forecasts.q95_share IS 'The same of q95 and 0.95.';
COMMENT ON COLUMN planning.sales_forecast_totals.mean_with_bulk IS 'Expected units with bulk orders: unbiased, further from the usual week than mean.';
COMMENT ON COLUMN planning.sales_forecasts.mean IS 'Expected units, bulk orders left out.';
COMMENT ON COLUMN planning.sales_forecast_totals.mean IS 'Expected units of all these days, bulk orders left out.';
CREATE TABLE planning.forecast_champions (
  decided_on DATE NOT NULL,
  mode VARCHAR NOT NULL,
  reason VARCHAR NOT NULL
);
COMMENT ON TABLE planning.forecast_champions IS 'Which model forecasts are made with, decided by the weekly backtest. Key: decided_on.';
COMMENT ON COLUMN planning.forecast_champions.decided_on IS 'Day of the backtest.';
COMMENT ON COLUMN planning.forecast_champions.mode IS 'auto = models of days and weeks, fast = of weeks alone.';
COMMENT ON COLUMN planning.forecast_champions.reason IS 'The figures that decided.';

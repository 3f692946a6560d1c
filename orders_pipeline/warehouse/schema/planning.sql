-- What is derived from core: sales a day, forecasts, how good they were, stock position, suggestions.
-- merchant_sku is never NULL here: where a SKU carries no merchant code, platform:product_id:sku_id stands for it.
CREATE SCHEMA IF NOT EXISTS planning;

CREATE TABLE planning.daily_sku_sales (
  merchant_sku VARCHAR NOT NULL,
  date DATE NOT NULL,
  units BIGINT NOT NULL,
  orders BIGINT NOT NULL,
  revenue DECIMAL(18,2) NOT NULL,
  refunded_units BIGINT NOT NULL,
  in_stock BOOLEAN
);
COMMENT ON TABLE planning.daily_sku_sales IS 'Ordinary demand a day, by pay date, all shops together, bundles counted as their parts; presale and gifts left out. A day without a row sold nothing. Key: merchant_sku, date.';
COMMENT ON COLUMN planning.daily_sku_sales.merchant_sku IS 'The merchant''s code, or platform:product_id:sku_id.';
COMMENT ON COLUMN planning.daily_sku_sales.date IS 'Day in Asia/Shanghai.';
COMMENT ON COLUMN planning.daily_sku_sales.units IS 'Units paid that day, less what was refunded before shipping.';
COMMENT ON COLUMN planning.daily_sku_sales.orders IS 'Orders with at least one such unit.';
COMMENT ON COLUMN planning.daily_sku_sales.revenue IS 'What buyers paid for them without freight, yuan.';
COMMENT ON COLUMN planning.daily_sku_sales.refunded_units IS 'Units paid that day and refunded before shipping; not in units.';
COMMENT ON COLUMN planning.daily_sku_sales.in_stock IS 'Whether the SKU could be bought that day; NULL = not known.';

CREATE TABLE planning.sales_forecasts (
  made_on DATE NOT NULL,
  merchant_sku VARCHAR NOT NULL,
  target_date DATE NOT NULL,
  horizon_day INTEGER NOT NULL,
  mean DOUBLE NOT NULL,
  q10 DOUBLE NOT NULL,
  q50 DOUBLE NOT NULL,
  q90 DOUBLE NOT NULL,
  q95 DOUBLE NOT NULL,
  model VARCHAR NOT NULL,
  q90_share DOUBLE,
  q95_share DOUBLE
);
COMMENT ON TABLE planning.sales_forecasts IS 'Forecast of each of the next days. Key: made_on, merchant_sku, target_date. Quantiles of days must not be added up.';
COMMENT ON COLUMN planning.sales_forecasts.made_on IS 'Day of the forecast; data up to the day before is known.';
COMMENT ON COLUMN planning.sales_forecasts.merchant_sku IS 'The merchant''s code, or platform:product_id:sku_id.';
COMMENT ON COLUMN planning.sales_forecasts.target_date IS 'Day that is forecast.';
COMMENT ON COLUMN planning.sales_forecasts.horizon_day IS '1 = made_on itself.';
COMMENT ON COLUMN planning.sales_forecasts.mean IS 'Units that are missed by little: no bulk orders, and low where sales are few or come in bursts.';
COMMENT ON COLUMN planning.sales_forecasts.q10 IS 'Units that sales stay at or below with probability 0.10.';
COMMENT ON COLUMN planning.sales_forecasts.q50 IS 'The same with probability 0.50.';
COMMENT ON COLUMN planning.sales_forecasts.q90 IS 'The same with probability 0.90.';
COMMENT ON COLUMN planning.sales_forecasts.q95 IS 'The same with probability 0.95.';
COMMENT ON COLUMN planning.sales_forecasts.model IS 'Name of the model.';
COMMENT ON COLUMN planning.sales_forecasts.q90_share IS 'Of days that sell exactly q90, the share that belongs to the lowest 0.90: makes coverage of whole units exact. NULL = counted whole.';
COMMENT ON COLUMN planning.sales_forecasts.q95_share IS 'The same of q95 and 0.95.';

CREATE TABLE planning.sales_forecast_totals (
  made_on DATE NOT NULL,
  merchant_sku VARCHAR NOT NULL,
  days INTEGER NOT NULL,
  mean DOUBLE NOT NULL,
  q50 DOUBLE NOT NULL,
  q90 DOUBLE NOT NULL,
  q95 DOUBLE NOT NULL,
  model VARCHAR NOT NULL,
  mean_with_bulk DOUBLE
);
COMMENT ON TABLE planning.sales_forecast_totals IS 'Forecast of the next days together. Key: made_on, merchant_sku.';
COMMENT ON COLUMN planning.sales_forecast_totals.made_on IS 'Day of the forecast; data up to the day before is known.';
COMMENT ON COLUMN planning.sales_forecast_totals.merchant_sku IS 'The merchant''s code, or platform:product_id:sku_id.';
COMMENT ON COLUMN planning.sales_forecast_totals.days IS 'Days that are counted, from made_on on.';
COMMENT ON COLUMN planning.sales_forecast_totals.mean IS 'The days'' means together: missed by little, down to 0.4 of what is expected where sales are few or come in bursts. Stock is computed from mean_with_bulk.';
COMMENT ON COLUMN planning.sales_forecast_totals.q50 IS 'Units that their total stays at or below with probability 0.50.';
COMMENT ON COLUMN planning.sales_forecast_totals.q90 IS 'The same with probability 0.90.';
COMMENT ON COLUMN planning.sales_forecast_totals.q95 IS 'The same with probability 0.95.';
COMMENT ON COLUMN planning.sales_forecast_totals.model IS 'Name of the model.';
COMMENT ON COLUMN planning.sales_forecast_totals.mean_with_bulk IS 'Expected units with bulk orders: unbiased, further from the usual week than mean.';

CREATE TABLE planning.forecast_accuracy (
  made_on DATE NOT NULL,
  model VARCHAR NOT NULL,
  horizon INTEGER NOT NULL,
  wape DOUBLE,
  wrmsse DOUBLE,
  bias DOUBLE,
  pinball DOUBLE,
  coverage_q90 DOUBLE,
  coverage_q95 DOUBLE
);
COMMENT ON TABLE planning.forecast_accuracy IS 'Past forecasts measured against what was sold. Key: made_on, model, horizon.';
COMMENT ON COLUMN planning.forecast_accuracy.made_on IS 'Day of the forecast that is measured.';
COMMENT ON COLUMN planning.forecast_accuracy.model IS 'Name of the model.';
COMMENT ON COLUMN planning.forecast_accuracy.horizon IS 'horizon_day that is measured; 0 = the days together.';
COMMENT ON COLUMN planning.forecast_accuracy.wape IS 'Sum of absolute errors over sum of units; NULL where nothing was sold.';
COMMENT ON COLUMN planning.forecast_accuracy.wrmsse IS 'Weighted root mean squared scaled error, weights by revenue.';
COMMENT ON COLUMN planning.forecast_accuracy.bias IS 'Sum of (forecast - sold) over sum of units.';
COMMENT ON COLUMN planning.forecast_accuracy.pinball IS 'Mean pinball loss over the stored quantiles, units.';
COMMENT ON COLUMN planning.forecast_accuracy.coverage_q90 IS 'Share of rows where sales stayed at or below q90.';
COMMENT ON COLUMN planning.forecast_accuracy.coverage_q95 IS 'Share of rows where sales stayed at or below q95.';

CREATE TABLE planning.forecast_champions (
  decided_on DATE NOT NULL,
  mode VARCHAR NOT NULL,
  reason VARCHAR NOT NULL
);
COMMENT ON TABLE planning.forecast_champions IS 'Which model forecasts are made with, decided by the weekly backtest. Key: decided_on.';
COMMENT ON COLUMN planning.forecast_champions.decided_on IS 'Day of the backtest.';
COMMENT ON COLUMN planning.forecast_champions.mode IS 'auto = models of days and weeks, fast = of weeks alone.';
COMMENT ON COLUMN planning.forecast_champions.reason IS 'The figures that decided.';

CREATE TABLE planning.stock_position (
  as_of DATE NOT NULL,
  merchant_sku VARCHAR NOT NULL,
  on_hand BIGINT NOT NULL,
  reserved BIGINT NOT NULL,
  frozen BIGINT NOT NULL,
  available BIGINT NOT NULL,
  on_order BIGINT NOT NULL,
  returns_expected DOUBLE NOT NULL,
  snapshot_quantity BIGINT,
  snapshot_at TIMESTAMPTZ,
  snapshot_is_net BOOLEAN,
  frozen_conversion DOUBLE
);
COMMENT ON TABLE planning.stock_position IS 'What is there, what is spoken for and what is on its way. Key: as_of, merchant_sku.';
COMMENT ON COLUMN planning.stock_position.as_of IS 'Day of the position, Asia/Shanghai.';
COMMENT ON COLUMN planning.stock_position.merchant_sku IS 'The merchant''s code, or platform:product_id:sku_id.';
COMMENT ON COLUMN planning.stock_position.on_hand IS 'Units in the warehouse, unshipped paid ones included: snapshot_quantity + reserved - paid since the count where snapshot_is_net, else snapshot_quantity - shipped since; plus receipts of later days.';
COMMENT ON COLUMN planning.stock_position.reserved IS 'Units of paid (or cash on delivery) lines that are not shipped.';
COMMENT ON COLUMN planning.stock_position.frozen IS 'Units of presale orders with the deposit paid and the final payment due.';
COMMENT ON COLUMN planning.stock_position.available IS 'on_hand - reserved - frozen times frozen_conversion, that rounded up; negative = oversold.';
COMMENT ON COLUMN planning.stock_position.on_order IS 'Units ordered from suppliers and not received, late ones, fresh drafts and suggestions just taken up included.';
COMMENT ON COLUMN planning.stock_position.returns_expected IS 'Units of open returns times the share that can be sold again.';
COMMENT ON COLUMN planning.stock_position.snapshot_quantity IS 'Units by the newest count of each stock pool in core.stock.';
COMMENT ON COLUMN planning.stock_position.snapshot_at IS 'When the oldest of these counts was taken.';
COMMENT ON COLUMN planning.stock_position.snapshot_is_net IS 'Whether the counts already lack paid, unshipped units, as a platform''s do.';
COMMENT ON COLUMN planning.stock_position.frozen_conversion IS 'Share of presale deposits expected to be paid in full.';

CREATE TABLE planning.replenishment_suggestions (
  suggestion_id VARCHAR NOT NULL,
  made_on DATE NOT NULL,
  merchant_sku VARCHAR NOT NULL,
  supplier VARCHAR NOT NULL,
  quantity BIGINT NOT NULL,
  order_by DATE,
  stock_out_on DATE,
  days_of_cover DOUBLE,
  risk DOUBLE,
  urgency INTEGER NOT NULL,
  amount DECIMAL(18,2),
  reason VARCHAR NOT NULL,
  rule_quantity BIGINT NOT NULL,
  state VARCHAR NOT NULL,
  confirmed_quantity BIGINT,
  labels VARCHAR NOT NULL,
  forecast_made_on DATE,
  daily_demand DOUBLE NOT NULL,
  demand_mean DOUBLE NOT NULL,
  demand_deviation DOUBLE NOT NULL,
  service_level DOUBLE NOT NULL,
  inventory_position BIGINT NOT NULL,
  order_point BIGINT NOT NULL,
  order_up_to BIGINT NOT NULL,
  lead_days_min INTEGER NOT NULL,
  lead_days_mean INTEGER NOT NULL,
  lead_days_max INTEGER NOT NULL,
  review_days INTEGER NOT NULL,
  moq BIGINT NOT NULL,
  pack BIGINT NOT NULL,
  unit_cost DECIMAL(18,2),
  earliest_stock_out_on DATE
);
COMMENT ON TABLE planning.replenishment_suggestions IS 'What to buy, how much and by when; one row a SKU with a usable stock count, quantity 0 where nothing is due. Key: suggestion_id.';
COMMENT ON COLUMN planning.replenishment_suggestions.suggestion_id IS 'Stable: the same for the same made_on, merchant_sku and supplier.';
COMMENT ON COLUMN planning.replenishment_suggestions.made_on IS 'Day of the suggestion, Asia/Shanghai.';
COMMENT ON COLUMN planning.replenishment_suggestions.merchant_sku IS 'The merchant''s code, or platform:product_id:sku_id.';
COMMENT ON COLUMN planning.replenishment_suggestions.supplier IS 'Supplier; empty text if unknown.';
COMMENT ON COLUMN planning.replenishment_suggestions.quantity IS 'Units to order; 0 = nothing to order today, the row then says when.';
COMMENT ON COLUMN planning.replenishment_suggestions.order_by IS 'Last day on which ordering still keeps the service level; NULL = not within 60 days.';
COMMENT ON COLUMN planning.replenishment_suggestions.stock_out_on IS 'First day on which stock is more likely gone than not, without a new order; NULL = not within 120 days.';
COMMENT ON COLUMN planning.replenishment_suggestions.days_of_cover IS 'available over daily_demand; NULL where nothing is expected to sell.';
COMMENT ON COLUMN planning.replenishment_suggestions.risk IS 'Probability, 0 to 1, that stock is gone before an order of today arrives (mean lead time).';
COMMENT ON COLUMN planning.replenishment_suggestions.urgency IS '0 out of stock or oversold, 1 an order comes too late, 2 order today, 3 within a week, 4 enough, 5 overstock.';
COMMENT ON COLUMN planning.replenishment_suggestions.amount IS 'quantity times unit_cost, yuan; NULL where no price is known.';
COMMENT ON COLUMN planning.replenishment_suggestions.reason IS 'The calculation in words and numbers, Chinese.';
COMMENT ON COLUMN planning.replenishment_suggestions.rule_quantity IS 'What a common ERP rule would order: 7-day mean times lead + cycle + 3 days.';
COMMENT ON COLUMN planning.replenishment_suggestions.state IS '待处理, 采纳, 改量, 拒绝, 观察, or 无需处理 where quantity is 0. What a person set is kept when the day is run again.';
COMMENT ON COLUMN planning.replenishment_suggestions.confirmed_quantity IS 'Units that a person decided on; NULL until then.';
COMMENT ON COLUMN planning.replenishment_suggestions.labels IS 'What to know about the row, Chinese, joined by 、; e.g. 缺资料, 新品试单, 滞销.';
COMMENT ON COLUMN planning.replenishment_suggestions.forecast_made_on IS 'made_on of the forecast in planning.sales_forecast_totals that was used; NULL = none for this SKU.';
COMMENT ON COLUMN planning.replenishment_suggestions.daily_demand IS 'Expected units a day over mean lead time and review days.';
COMMENT ON COLUMN planning.replenishment_suggestions.demand_mean IS 'Expected units until the next order would arrive: lead time + review days.';
COMMENT ON COLUMN planning.replenishment_suggestions.demand_deviation IS 'Standard deviation of that demand, the uncertain lead time included.';
COMMENT ON COLUMN planning.replenishment_suggestions.service_level IS 'Probability, 0 to 1, with which that demand is to be met.';
COMMENT ON COLUMN planning.replenishment_suggestions.inventory_position IS 'available + on_order + returns_expected (whole units) of planning.stock_position.';
COMMENT ON COLUMN planning.replenishment_suggestions.order_point IS 's: units that cover that demand with the service level; below it an order is due.';
COMMENT ON COLUMN planning.replenishment_suggestions.order_up_to IS 'S: what an order fills up to. quantity = max(order_up_to - inventory_position, moq) in whole packs.';
COMMENT ON COLUMN planning.replenishment_suggestions.lead_days_min IS 'Shortest of the five lead times that are reckoned with, calendar days.';
COMMENT ON COLUMN planning.replenishment_suggestions.lead_days_mean IS 'Their mean, rounded.';
COMMENT ON COLUMN planning.replenishment_suggestions.lead_days_max IS 'The longest.';
COMMENT ON COLUMN planning.replenishment_suggestions.review_days IS 'Days until the next order to this supplier.';
COMMENT ON COLUMN planning.replenishment_suggestions.moq IS 'Smallest quantity that the supplier sells; 1 where unknown.';
COMMENT ON COLUMN planning.replenishment_suggestions.pack IS 'Units in a pack; 1 where unknown.';
COMMENT ON COLUMN planning.replenishment_suggestions.unit_cost IS 'The supplier''s price, yuan; NULL where unknown.';
COMMENT ON COLUMN planning.replenishment_suggestions.earliest_stock_out_on IS 'First day on which stock is gone with a probability of at least 0.1.';

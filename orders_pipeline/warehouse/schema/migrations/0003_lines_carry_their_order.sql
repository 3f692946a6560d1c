-- What upsert/orders.sql writes with each line since, for the lines that are there.
ALTER TABLE core.order_lines ADD COLUMN sku VARCHAR;
ALTER TABLE core.order_lines ADD COLUMN order_shipped_at TIMESTAMPTZ;
ALTER TABLE core.order_lines ADD COLUMN paid_on DATE;
ALTER TABLE core.order_lines ADD COLUMN is_presale BOOLEAN;
ALTER TABLE core.order_lines ADD COLUMN skus_differ BOOLEAN;

UPDATE core.order_lines
SET sku = coalesce(merchant_sku, concat_ws(':', platform, coalesce(product_id, ''), sku_id));

UPDATE core.order_lines AS l
SET order_shipped_at = CASE WHEN l.shipped_at IS NULL
    AND (l.tracking_number IS NOT NULL OR l.status IN ('shipped', 'completed')) THEN o.shipped_at END,
  paid_on = o.paid_on,
  is_presale = coalesce(o.order_type, '') = 'step' OR coalesce(o.presale_step, '') <> '',
  skus_differ = o.skus_differ
FROM (
  SELECT platform, shop, order_id, any_value(o.shipped_at) AS shipped_at, any_value(o.paid_on) AS paid_on,
    any_value(o.order_type) AS order_type, any_value(o.presale_step) AS presale_step,
    count(DISTINCT l.sku) = count(*) AND order_id NOT IN (SELECT order_id FROM core.line_parts) AS skus_differ
  FROM core.order_lines AS l JOIN core.orders AS o USING (platform, shop, order_id) GROUP BY platform, shop, order_id) AS o
WHERE l.platform = o.platform AND l.shop = o.shop AND l.order_id = o.order_id;

COMMENT ON COLUMN core.order_lines.sku IS 'What planning calls merchant_sku: merchant_sku, or platform:product_id:sku_id where there is none.';
COMMENT ON COLUMN core.order_lines.order_shipped_at IS 'shipped_at of the order where the line shows that it was sent but carries no time of its own; else NULL.';
COMMENT ON COLUMN core.order_lines.paid_on IS 'paid_on of the order: the day on which the line counts as sold.';
COMMENT ON COLUMN core.order_lines.is_presale IS 'Whether the order is a presale order: of type step, or with a presale_step.';
COMMENT ON COLUMN core.order_lines.skus_differ IS 'Whether all lines of the order are of different SKUs and none is a bundle: each of them is then one order of its SKU.';

-- What the scripts of one transaction tell each other, and terms that several of them use.
CREATE TEMP TABLE touched (platform VARCHAR, shop VARCHAR, order_id VARCHAR);
CREATE TEMP TABLE touched_lines (platform VARCHAR, shop VARCHAR, line_id VARCHAR);
CREATE TEMP TABLE touched_refunds (platform VARCHAR, shop VARCHAR, refund_id VARCHAR);
CREATE TEMP TABLE refunded_lines (platform VARCHAR, shop VARCHAR, line_id VARCHAR);
CREATE TEMP TABLE touched_products (platform VARCHAR, shop VARCHAR, product_id VARCHAR);
CREATE TEMP TABLE late_rejected (page_id BIGINT, row_id VARCHAR, reason VARCHAR, row_no BIGINT);
CREATE TEMP TABLE moment (at_time TIMESTAMPTZ);

-- A line that closed before it left is refunded as a whole, whatever its refunds say or if they have not come yet.
CREATE TEMP MACRO closed_unsent(status, sent_at) AS status IN ('closed_refunded', 'closed_unpaid') AND sent_at IS NULL;
-- A refund that took money back and brought no goods.
CREATE TEMP MACRO settled(status, goods_returned) AS status = 'refunded' AND NOT coalesce(goods_returned, false);

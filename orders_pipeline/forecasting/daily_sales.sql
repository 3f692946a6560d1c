-- Rows of planning.daily_sku_sales for the days in the temporary table touched_days. What each rule means and why: daily_sales.py.
-- read twice, for refunds are few: keeping every line in memory for them costs ten times the second look
WITH paid_lines AS NOT MATERIALIZED (
    SELECT
        l.platform, l.shop, l.order_id, l.line_id, o.paid_on, l.quantity, l.paid_amount, l.status,
        coalesce(nullif(trim(l.merchant_sku), ''), concat_ws(':', l.platform, coalesce(l.product_id, ''), coalesce(l.sku_id, ''))) AS merchant_sku,
        -- the order's time stands in for a line that was shipped without one of its own
        coalesce(l.shipped_at, CASE WHEN l.tracking_number IS NOT NULL OR l.status IN ('shipped', 'completed') THEN o.shipped_at END) AS shipped_at
    FROM core.order_lines AS l
    JOIN core.orders AS o USING (platform, shop, order_id)
    WHERE o.paid_on IN (SELECT day FROM touched_days)
      AND o.vanished_at IS NULL
      AND coalesce(o.order_type, '') <> 'step' AND coalesce(o.presale_step, '') = ''
      AND NOT coalesce(l.is_gift, false) AND l.unit_price > 0
      AND l.quantity > 0
),
refunded_early AS (
    SELECT
        l.platform, l.shop, l.line_id,
        -- what the money pays for in whole units: the platform gives the line's own quantity even for a price difference;
        -- in fen, because dividing decimals gives a double and 24.60 / 8.20 falls short of 3
        sum(CASE WHEN l.paid_amount > 0
                 THEN least(coalesce(r.quantity, l.quantity), l.quantity * (r.refunded_amount * 100)::BIGINT // (l.paid_amount * 100)::BIGINT)
                 ELSE coalesce(r.quantity, l.quantity) END) AS units,
        sum(r.refunded_amount) AS amount
    FROM core.refunds AS r
    JOIN paid_lines AS l USING (platform, shop, line_id)
    WHERE r.status = 'refunded' AND NOT coalesce(r.goods_returned, false)
      AND (l.shipped_at IS NULL OR coalesce(r.refunded_at, r.modified_at) < l.shipped_at)
    GROUP BY ALL
),
kept AS (
    SELECT
        l.merchant_sku, l.paid_on, l.platform, l.shop, l.order_id, l.line_id, l.quantity,
        -- a line that closed before it left is cancelled as a whole, whatever its refund row says or if it has not come yet
        CASE WHEN l.shipped_at IS NULL AND l.status IN ('closed_refunded', 'closed_unpaid') THEN l.quantity
             ELSE least(coalesce(e.units, 0), l.quantity) END AS refunded_units,
        CASE WHEN l.shipped_at IS NULL AND l.status IN ('closed_refunded', 'closed_unpaid') THEN 0
             ELSE greatest(l.paid_amount - coalesce(e.amount, 0), 0) END AS revenue
    FROM paid_lines AS l
    LEFT JOIN refunded_early AS e USING (platform, shop, line_id)
),
-- a bundle counts as its parts; its money goes to them by pieces, since orders name no prices of parts
in_parts AS (
    SELECT
        CASE WHEN p.line_id IS NULL THEN k.merchant_sku
             ELSE coalesce(nullif(trim(p.merchant_sku), ''), concat_ws(':', p.platform, coalesce(p.product_id, ''), coalesce(p.sku_id, '')))
        END AS merchant_sku,
        k.paid_on, k.platform, k.shop, k.order_id,
        k.quantity * coalesce(p.quantity, 1) AS quantity,
        k.refunded_units * coalesce(p.quantity, 1) AS refunded_units,
        k.revenue * coalesce(p.share, 1) AS revenue
    FROM kept AS k
    LEFT JOIN (
        SELECT *, quantity / sum(quantity) OVER (PARTITION BY platform, shop, line_id) AS share FROM core.line_parts
    ) AS p USING (platform, shop, line_id)
),
sales AS (
    SELECT
        merchant_sku, paid_on AS date,
        sum(quantity - refunded_units) AS units,
        -- 64 bits tell a day's orders of a SKU apart in half the time that the texts take; two that fall together are one
        -- case in 10 ** 13
        count(DISTINCT hash(platform, shop, order_id)) FILTER (quantity > refunded_units) AS orders,
        sum(revenue) AS revenue,
        sum(refunded_units) AS refunded_units
    FROM in_parts
    GROUP BY ALL
),
first_sold AS (
    SELECT merchant_sku, min(date) AS date
    FROM (
        SELECT merchant_sku, date FROM sales WHERE units > 0
        UNION ALL
        SELECT merchant_sku, date FROM planning.daily_sku_sales WHERE units > 0
    )
    GROUP BY ALL
),
listing_days AS (
    SELECT
        coalesce(nullif(trim(merchant_sku), ''), concat_ws(':', platform, coalesce(product_id, ''), coalesce(sku_id, ''))) AS merchant_sku,
        (snapshot_at AT TIME ZONE 'Asia/Shanghai')::DATE AS day,
        bool_or(on_hand > 0) AS seen,
        arg_max(on_hand, snapshot_at) > 0 AS at_close
    FROM core.stock_snapshots
    WHERE on_hand IS NOT NULL
    GROUP BY merchant_sku, platform, shop, product_id, sku_id, day
),
stock AS (
    SELECT merchant_sku, day AS date, bool_or(has_stock) AS in_stock
    FROM (
        SELECT merchant_sku, day, seen AS has_stock FROM listing_days
        UNION ALL
        -- the last count of a day is the next day's opening stock
        SELECT merchant_sku, day + 1, at_close FROM listing_days
    )
    WHERE day IN (SELECT day FROM touched_days)
    GROUP BY ALL
)
SELECT
    coalesce(s.merchant_sku, k.merchant_sku) AS merchant_sku,
    coalesce(s.date, k.date) AS date,
    coalesce(s.units, 0)::BIGINT AS units,
    coalesce(s.orders, 0)::BIGINT AS orders,
    coalesce(s.revenue, 0)::DECIMAL(18, 2) AS revenue,
    coalesce(s.refunded_units, 0)::BIGINT AS refunded_units,
    -- a count of nothing between two sales does not make a day without stock
    CASE WHEN k.in_stock IS NULL THEN NULL ELSE k.in_stock OR coalesce(s.units, 0) > 0 END AS in_stock
FROM sales AS s
FULL JOIN stock AS k USING (merchant_sku, date)
LEFT JOIN first_sold AS f ON f.merchant_sku = k.merchant_sku
WHERE s.merchant_sku IS NOT NULL OR (NOT k.in_stock AND f.date <= k.date)

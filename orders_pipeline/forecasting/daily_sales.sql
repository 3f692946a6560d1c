-- Rows of planning.daily_sku_sales of the days from $first to $last; those before them are there already. Rules: daily_sales.py.
WITH mixed AS (
    -- bundles, which count as their parts, and lines that share their order with a line of the same SKU: few, and the only ones
    -- whose orders must be told apart
    SELECT
        coalesce(p.merchant_sku, l.merchant_sku) AS merchant_sku,
        date,
        sum(units * coalesce(p.quantity, 1))::INTEGER AS units,
        -- 64 bits tell a day's orders of a SKU apart in half the time that the texts take; two that fall together are one case
        -- in 10 ** 13
        count(DISTINCT hash(l.platform, l.shop, order_id)) FILTER (units > 0)::INTEGER AS orders,
        sum(revenue * coalesce(p.share, 1))::DECIMAL(18, 2) AS revenue,
        sum(refunded_units * coalesce(p.quantity, 1))::INTEGER AS refunded_units
    FROM counted_lines AS l
    LEFT JOIN parts AS p USING (platform, shop, line_id)
    WHERE NOT l.skus_differ AND l.date BETWEEN $first AND $last
    GROUP BY ALL
),
listing_days AS (
    SELECT
        coalesce(nullif(trim(merchant_sku), ''), concat_ws(':', platform, product_id, sku_id)) AS merchant_sku,
        -- Shanghai has kept this offset since 1991; to ask the zone's table takes twelve times as long
        make_timestamp(epoch_us(snapshot_at) + 8 * 3_600_000_000)::DATE AS day,
        bool_or(on_hand > 0) AS seen,
        arg_max(on_hand, snapshot_at) > 0 AS at_close
    FROM core.stock_snapshots
    WHERE snapshot_at >= $counted_from AND snapshot_at < $counted_until
    GROUP BY merchant_sku, platform, shop, product_id, sku_id, day
),
sold AS (
    SELECT
        merchant_sku, date, sum(units)::BIGINT AS units, sum(orders)::BIGINT AS orders, sum(revenue)::DECIMAL(18, 2) AS revenue,
        sum(refunded_units)::BIGINT AS refunded_units
    FROM (
        -- each of these lines is an order of its SKU
        SELECT merchant_sku, date, units, (units > 0)::INTEGER AS orders, revenue, refunded_units
        FROM counted_lines WHERE skus_differ AND date BETWEEN $first AND $last
        UNION ALL
        FROM mixed
    )
    GROUP BY ALL
),
counted AS (
    SELECT merchant_sku, date, bool_or(has_stock) AS has_stock
    FROM (
        SELECT merchant_sku, day AS date, seen AS has_stock FROM listing_days WHERE day >= $first
        UNION ALL
        -- the last count of a day is the next day's opening stock
        SELECT merchant_sku, day + 1, at_close FROM listing_days WHERE day < $last
    )
    GROUP BY ALL
),
found AS (
    SELECT * FROM sold FULL JOIN counted USING (merchant_sku, date)
),
first_sold AS (
    SELECT merchant_sku, min(date) AS date
    FROM (
        SELECT merchant_sku, date FROM found WHERE units > 0
        UNION ALL
        SELECT merchant_sku, date FROM planning.daily_sku_sales WHERE units > 0
    )
    GROUP BY ALL
)
SELECT
    merchant_sku, f.date, coalesce(units, 0) AS units, coalesce(orders, 0) AS orders, coalesce(revenue, 0) AS revenue,
    coalesce(refunded_units, 0) AS refunded_units,
    -- a count of nothing between two sales does not make a day without stock
    has_stock OR (has_stock IS NOT NULL AND coalesce(units, 0) > 0) AS in_stock
FROM found AS f
LEFT JOIN first_sold AS s USING (merchant_sku)
WHERE units IS NOT NULL OR (NOT has_stock AND s.date <= f.date)
ORDER BY f.date, merchant_sku

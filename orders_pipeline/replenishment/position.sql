-- One row a merchant SKU of what is there, spoken for and coming. Rules and reasons: position.py.
WITH pool_of AS (
    SELECT unnest($shops::VARCHAR[]) AS shop, unnest($pools::VARCHAR[]) AS pool, unnest($is_net::BOOLEAN[]) AS is_net
),
listing AS (  -- one shop's count of a merchant SKU: several listings may carry the same code
    SELECT
        s.shop, coalesce(p.pool, s.shop) AS pool, coalesce(p.is_net, true) AS is_net,
        coalesce(nullif(trim(s.merchant_sku), ''), concat_ws(':', s.platform, s.product_id, s.sku_id)) AS merchant_sku,
        sum(s.on_hand) AS units,
        -- the oldest count decides; what is not on sale is not counted as often and must not make the rest look stale
        coalesce(min(s.snapshot_at) FILTER (k.status = 'on_sale'), min(s.snapshot_at)) AS snapshot_at
    FROM core.stock AS s
    LEFT JOIN core.skus AS k USING (platform, shop, product_id, sku_id)
    LEFT JOIN pool_of AS p ON p.shop = s.shop
    WHERE k.status IS DISTINCT FROM 'deleted'
    GROUP BY ALL
),
counted AS (  -- shops of one pool all show the same goods: one count, the newest; the smaller of two equally new
    SELECT * FROM listing
    QUALIFY row_number() OVER (PARTITION BY pool, merchant_sku ORDER BY snapshot_at DESC, units, shop) = 1
),
packed AS (
    SELECT platform, shop, order_id, line_id, sum(quantity) AS units FROM core.parcel_lines GROUP BY ALL
),
line AS (  -- a bundle's goods are its parts
    SELECT
        l.platform, l.shop, l.order_id, l.line_id, coalesce(p.pool, l.shop) AS pool,
        CASE WHEN b.line_id IS NULL
            THEN coalesce(nullif(trim(l.merchant_sku), ''), concat_ws(':', l.platform, coalesce(l.product_id, ''), l.sku_id))
            ELSE coalesce(nullif(trim(b.merchant_sku), ''), concat_ws(':', b.platform, coalesce(b.product_id, ''), b.sku_id))
        END AS merchant_sku,
        coalesce(b.quantity, 1) AS per_unit,
        l.quantity, l.status, o.status AS order_status,
        coalesce(o.paid_at, o.created_at) AS taken_at,  -- cash on delivery is taken when ordered
        coalesce(l.shipped_at, o.shipped_at) AS shipped_at,
        CASE l.status
            WHEN 'to_ship' THEN l.quantity
            WHEN 'paid_on_hold' THEN l.quantity
            WHEN 'part_shipped' THEN greatest(l.quantity - coalesce(k.units, 0), 0)
            ELSE 0
        END AS unshipped
    FROM core.order_lines AS l
    JOIN core.orders AS o USING (platform, shop, order_id)
    LEFT JOIN core.line_parts AS b USING (platform, shop, line_id)
    LEFT JOIN packed AS k USING (platform, shop, order_id, line_id)
    LEFT JOIN pool_of AS p ON p.shop = l.shop
    WHERE o.vanished_at IS NULL
),
movement AS (
    SELECT
        c.pool, c.merchant_sku,
        sum(l.unshipped * l.per_unit) FILTER (l.order_status <> 'deposit_paid') AS reserved,
        sum(l.quantity * l.per_unit)
            FILTER (l.order_status = 'deposit_paid' AND l.status NOT LIKE 'closed%') AS frozen,
        sum(l.quantity * l.per_unit) FILTER (
            l.taken_at > c.snapshot_at
            AND l.status IN ('to_ship', 'paid_on_hold', 'part_shipped', 'shipped', 'completed')
            AND l.order_status <> 'deposit_paid'
        ) AS taken_since,
        sum((l.quantity - l.unshipped) * l.per_unit) FILTER (
            l.shipped_at > c.snapshot_at AND l.status IN ('part_shipped', 'shipped', 'completed')
        ) AS shipped_since
    FROM counted AS c
    JOIN line AS l USING (pool, merchant_sku)
    GROUP BY ALL
),
coming_back AS (
    SELECT l.merchant_sku, sum(least(coalesce(r.quantity, l.quantity), l.quantity) * l.per_unit) AS units
    FROM core.refunds AS r
    JOIN line AS l USING (platform, shop, line_id)
    WHERE r.status IN ('await_return', 'return_in_transit') AND r.kind IN ('return_refund', 'other')
    GROUP BY ALL
),
receipt AS (
    SELECT unnest($receipt_skus::VARCHAR[]) AS merchant_sku, unnest($receipt_units::BIGINT[]) AS units,
        unnest($receipt_days::DATE[]) AS day
),
purchase AS (
    SELECT unnest($order_skus::VARCHAR[]) AS merchant_sku, unnest($order_units::BIGINT[]) AS units,
        unnest($order_days::DATE[]) AS ordered_on
),
adopted AS (  -- a suggestion that was taken up is as good as ordered until its purchase order turns up, for three days
    SELECT s.merchant_sku, sum(coalesce(s.confirmed_quantity, s.quantity)) AS units
    FROM planning.replenishment_suggestions AS s
    WHERE s.state IN ('采纳', '改量')
      AND s.made_on >= $as_of::DATE - $draft_days::INTEGER AND s.made_on < $as_of::DATE
      AND NOT EXISTS (FROM purchase AS p WHERE p.merchant_sku = s.merchant_sku AND p.ordered_on >= s.made_on)
    GROUP BY ALL
),
on_order AS (
    SELECT merchant_sku, sum(units) AS units
    FROM (SELECT merchant_sku, units FROM purchase UNION ALL SELECT merchant_sku, units FROM adopted)
    GROUP BY ALL
),
pooled AS (
    SELECT
        c.merchant_sku,
        sum(c.units) AS snapshot_quantity, min(c.snapshot_at) AS snapshot_at, bool_and(c.is_net) AS snapshot_is_net,
        sum(CASE WHEN c.is_net THEN c.units - coalesce(m.taken_since, 0) + coalesce(m.reserved, 0)
                 ELSE c.units - coalesce(m.shipped_since, 0) END) AS on_hand,
        sum(coalesce(m.reserved, 0)) AS reserved,
        sum(coalesce(m.frozen, 0)) AS frozen
    FROM counted AS c
    LEFT JOIN movement AS m USING (pool, merchant_sku)
    GROUP BY ALL
),
received AS (  -- a receipt says only its day; one of the count's own day is taken to be in the count
    SELECT p.merchant_sku, sum(r.units) AS units
    FROM pooled AS p
    JOIN receipt AS r ON r.merchant_sku = p.merchant_sku AND r.day > (p.snapshot_at AT TIME ZONE 'Asia/Shanghai')::DATE
    GROUP BY ALL
),
held AS (
    SELECT p.* REPLACE (p.on_hand + coalesce(r.units, 0) AS on_hand)
    FROM pooled AS p LEFT JOIN received AS r USING (merchant_sku)
)
SELECT
    $as_of::DATE AS as_of,
    h.merchant_sku,
    h.on_hand::BIGINT AS on_hand,
    h.reserved::BIGINT AS reserved,
    h.frozen::BIGINT AS frozen,
    -- the small number keeps 60 × 0.85 from rounding up to 52
    (h.on_hand - h.reserved - ceil(h.frozen * $conversion::DOUBLE - 1e-9))::BIGINT AS available,
    coalesce(o.units, 0)::BIGINT AS on_order,
    coalesce(b.units, 0) * $resell_rate::DOUBLE AS returns_expected,
    h.snapshot_quantity::BIGINT AS snapshot_quantity,
    h.snapshot_at,
    h.snapshot_is_net,
    $conversion::DOUBLE AS frozen_conversion
FROM held AS h
LEFT JOIN on_order AS o USING (merchant_sku)
LEFT JOIN coming_back AS b USING (merchant_sku)
ORDER BY h.merchant_sku

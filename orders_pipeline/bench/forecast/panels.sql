-- The real panels as rows (sku, category, date, units, orders, price) of days with a sale. $folder is replaced by the files' folder,
-- $m5 by the query of that name.
-- What is kept and what is dropped: panels.py.

-- name: m5
SELECT
    store_id || '/' || item_id AS sku,
    store_id || '/' || regexp_extract(item_id, '^(.*)_[0-9]+$', 1) AS category,
    s.date, qty::BIGINT AS units, 1::BIGINT AS orders, sell_price::DOUBLE AS price
FROM '$folder/m5_daily_sales.parquet' AS s
JOIN '$folder/m5_calendar.parquet' AS c ON c.date::DATE = s.date
JOIN '$folder/m5_sell_prices.parquet' AS p USING (store_id, item_id, wm_yr_wk)
WHERE qty > 0;

-- name: m5_prices
SELECT store_id || '/' || item_id AS sku, c.date::DATE AS date, sell_price::DOUBLE AS price
FROM '$folder/m5_sell_prices.parquet' JOIN '$folder/m5_calendar.parquet' AS c USING (wm_yr_wk)
WHERE c.date::DATE BETWEEN (SELECT min(date) FROM '$folder/m5_daily_sales.parquet')
                       AND (SELECT max(date) FROM '$folder/m5_daily_sales.parquet');

-- name: m5-departments
SELECT
    category AS sku, '' AS category, date,
    sum(units)::BIGINT AS units, sum(orders)::BIGINT AS orders, sum(units * price) / sum(units) AS price
FROM ($m5)
GROUP BY category, date;

-- name: online-retail
WITH lines AS (
    SELECT
        upper(trim(stock_code)) AS sku, invoice_ts::DATE AS date, quantity, unit_price, invoice,
        coalesce(customer_id::VARCHAR, invoice) AS buyer
    FROM '$folder/online_retail_ii.parquet'
    WHERE regexp_full_match(upper(trim(stock_code)), '[0-9]{5}[A-Z]*')
      AND NOT (sheet = 1 AND invoice_ts::DATE >= DATE '2010-12-01')
      AND unit_price > 0 AND NOT starts_with(invoice, 'A') AND invoice_ts::DATE <= DATE '2011-12-08'
),
buyers AS (
    SELECT sku, date, buyer, greatest(sum(quantity), 0) AS units FROM lines GROUP BY ALL
),
prices AS (
    SELECT sku, date, sum(quantity * unit_price) / sum(quantity) AS price
    FROM lines WHERE quantity > 0 AND NOT starts_with(invoice, 'C') GROUP BY ALL
)
SELECT sku, '' AS category, date, sum(units)::BIGINT AS units, count(*) FILTER (units > 0) AS orders, any_value(price) AS price
FROM buyers LEFT JOIN prices USING (sku, date)
GROUP BY sku, date HAVING sum(units) > 0;

-- name: complete-journey
SELECT
    product_id::VARCHAR AS sku,
    concat_ws('/', department, product_category) AS category,
    -- kept in UTC, the year begins and ends with days of the American East
    timezone('America/New_York', timezone('UTC', transaction_timestamp))::DATE AS date,
    sum(quantity)::BIGINT AS units, count(DISTINCT basket_id) AS orders, sum(sales_value) / sum(quantity) AS price
FROM '$folder/transactions.parquet' JOIN '$folder/products.parquet' USING (product_id)
-- fuel is counted in thousandths of a gallon, miscellaneous is coupons and the like
WHERE department NOT IN ('FUEL', 'MISCELLANEOUS') AND quantity > 0 AND sales_value > 0
GROUP BY ALL;

-- Lists of trades and single trades -> staged.orders, staged.order_lines, staged.line_parts.
-- Money: decisions 1 to 3; lines: decisions 6 and 7; city: decision 8.
CREATE OR REPLACE TEMP MACRO trades_of(body) AS TRY(from_json(body, '{"trades":{"trade":[{
  "tid":"VARCHAR","type":"VARCHAR","status":"VARCHAR","created":"VARCHAR","pay_time":"VARCHAR","consign_time":"VARCHAR",
  "end_time":"VARCHAR","modified":"VARCHAR","total_fee":"VARCHAR","post_fee":"VARCHAR","discount_fee":"VARCHAR",
  "payment":"VARCHAR","received_payment":"VARCHAR","step_trade_status":"VARCHAR","step_paid_fee":"VARCHAR",
  "receiver_state":"VARCHAR","receiver_city":"VARCHAR","receiver_district":"VARCHAR","_misfit":["VARCHAR"],
  "orders":{"order":[{
    "oid":"VARCHAR","status":"VARCHAR","refund_status":"VARCHAR","num_iid":"VARCHAR","sku_id":"VARCHAR",
    "outer_iid":"VARCHAR","outer_sku_id":"VARCHAR","title":"VARCHAR","sku_properties_name":"VARCHAR","num":"VARCHAR",
    "price":"VARCHAR","total_fee":"VARCHAR","discount_fee":"VARCHAR","adjust_fee":"VARCHAR",
    "part_mjz_discount":"VARCHAR","divide_order_fee":"VARCHAR","is_free_gift":"VARCHAR","logistics_company":"VARCHAR",
    "invoice_no":"VARCHAR","consign_time":"VARCHAR",
    "combine_item_info":{"combine_sub_item_do":[{
      "item_id":"VARCHAR","sku_id":"VARCHAR","quantity":"VARCHAR","outer_iid":"VARCHAR","outer_sku_id":"VARCHAR"}]}
  }]}}]}}')).trades.trade;

CREATE OR REPLACE TEMP TABLE trade AS
SELECT nextval('staged.row_no') AS row_no, page_id, platform, shop, api, fetched_at, text_of(t.tid) AS tid,
  text_of(t.type) AS type, text_of(t.status) AS status, instant(t.created) AS created, day_of(t.created) AS created_on,
  instant(t.pay_time) AS paid, day_of(t.pay_time) AS paid_on, instant(t.consign_time) AS shipped,
  instant(t.end_time) AS ended, instant(t.modified) AS modified, money(t.total_fee) AS goods, money(t.post_fee) AS freight,
  money(t.discount_fee) AS discount, money(t.payment) AS payable, money(t.received_payment) AS received,
  text_of(t.step_trade_status) AS step, money(t.step_paid_fee) AS step_paid, text_of(t.receiver_state) AS province,
  coalesce(text_of(t.receiver_city), text_of(t.receiver_district)) AS city, t.orders."order" AS lines,
  nullif(concat_ws(', ',
    CASE WHEN text_of(t.tid) IS NULL THEN 'no tid' END,
    CASE WHEN text_of(t.status) IS NULL THEN 'no status' END,
    CASE WHEN instant(t.created) IS NULL THEN 'created is no date' END,
    CASE WHEN instant(t.modified) IS NULL THEN 'modified is no date' END,
    CASE WHEN bad_date(t.pay_time, instant(t.pay_time)) THEN 'pay_time is no date' END,
    CASE WHEN bad_date(t.consign_time, instant(t.consign_time)) THEN 'consign_time is no date' END,
    CASE WHEN bad_date(t.end_time, instant(t.end_time)) THEN 'end_time is no date' END,
    CASE WHEN money(t.payment) IS NULL OR bad_money(t.payment, money(t.payment)) THEN 'payment is no amount' END,
    CASE WHEN money(t.total_fee) IS NULL OR bad_money(t.total_fee, money(t.total_fee)) THEN 'total_fee is no amount' END,
    CASE WHEN bad_money(t.post_fee, money(t.post_fee)) THEN 'post_fee is no amount' END,
    CASE WHEN bad_money(t.discount_fee, money(t.discount_fee)) THEN 'discount_fee is no amount' END,
    CASE WHEN bad_money(t.received_payment, money(t.received_payment)) THEN 'received_payment is no amount' END,
    CASE WHEN bad_money(t.step_paid_fee, money(t.step_paid_fee)) THEN 'step_paid_fee is no amount' END,
    CASE WHEN coalesce(len(t.orders."order"), 0) = 0 THEN 'orders is no list of lines' END,
    misfit_reason(t._misfit)), '') AS reason
FROM (
  SELECT page_id, platform, shop, api, fetched_at, unnest(trades_of(body)) AS t
  FROM pages WHERE api <> 'taobao.trade.fullinfo.get'
  UNION ALL
  SELECT page_id, platform, shop, api, fetched_at, unnest(trades_of(
    '{"trades":{"trade":[' || coalesce(TRY(json_extract(body, '$.trade')::VARCHAR), '') || ']}}')) AS t
  FROM pages WHERE api = 'taobao.trade.fullinfo.get');

INSERT INTO staged.rejected
SELECT page_id, NULL, readable || ' of ' || row_count || ' trades readable'
FROM (
  SELECT page_id, row_count, count(row_no) AS readable
  FROM (SELECT page_id, row_count FROM pages) LEFT JOIN trade USING (page_id) GROUP BY ALL)
WHERE row_count > readable;

CREATE OR REPLACE TEMP TABLE line AS
SELECT row_no, text_of(l.oid) AS oid, text_of(l.status) AS status, text_of(l.refund_status) AS refund_status,
  text_of(l.num_iid) AS product_id, coalesce(text_of(l.sku_id), '') AS sku_id,
  coalesce(text_of(l.outer_sku_id), text_of(l.outer_iid)) AS merchant_sku, l.title AS title,
  text_of(l.sku_properties_name) AS properties, whole(l.num) AS quantity, money(l.price) AS price,
  money(l.total_fee) AS total, coalesce(money(l.discount_fee), 0) AS discount, coalesce(money(l.adjust_fee), 0) AS adjust,
  coalesce(money(l.part_mjz_discount), 0) AS share, money(l.divide_order_fee) AS divided, flag(l.is_free_gift) AS is_gift,
  text_of(l.logistics_company) AS carrier, text_of(l.invoice_no) AS tracking_number, instant(l.consign_time) AS shipped,
  l.combine_item_info.combine_sub_item_do AS parts,
  nullif(concat_ws(', ',
    CASE WHEN text_of(l.oid) IS NULL THEN 'line without oid' END,
    CASE WHEN text_of(l.status) IS NULL THEN 'line without status' END,
    CASE WHEN whole(l.num) IS NULL THEN 'num of a line is no number' END,
    CASE WHEN money(l.price) IS NULL OR bad_money(l.price, money(l.price)) THEN 'price of a line is no amount' END,
    CASE WHEN coalesce(money(l.divide_order_fee), money(l.total_fee)) IS NULL
      OR bad_money(l.divide_order_fee, money(l.divide_order_fee)) OR bad_money(l.total_fee, money(l.total_fee))
      THEN 'divide_order_fee or total_fee of a line is no amount' END,
    CASE WHEN bad_money(l.discount_fee, money(l.discount_fee)) OR bad_money(l.adjust_fee, money(l.adjust_fee))
      OR bad_money(l.part_mjz_discount, money(l.part_mjz_discount))
      THEN 'discount_fee, adjust_fee or part_mjz_discount of a line is no amount' END,
    CASE WHEN bad_date(l.consign_time, instant(l.consign_time)) THEN 'consign_time of a line is no date' END), '') AS reason
FROM (SELECT row_no, unnest(lines) AS l FROM trade WHERE reason IS NULL);

CREATE OR REPLACE TEMP TABLE line_sum AS
SELECT row_no, count(*) AS line_count, sum(discount)::DECIMAL(18, 2) AS discount, sum(adjust)::DECIMAL(18, 2) AS adjust,
  coalesce(max(reason), CASE WHEN count(DISTINCT oid) < count(*) THEN 'the same oid twice' END) AS reason
FROM line GROUP BY row_no;

INSERT INTO staged.rejected
SELECT page_id, tid, coalesce(t.reason, s.reason)
FROM trade AS t LEFT JOIN line_sum AS s USING (row_no) WHERE coalesce(t.reason, s.reason) IS NOT NULL;
CREATE OR REPLACE TEMP TABLE good AS
SELECT t.* EXCLUDE (lines, reason), line_count, s.discount AS line_discount, adjust
FROM trade AS t JOIN line_sum AS s USING (row_no) WHERE t.reason IS NULL AND s.reason IS NULL;
DROP TABLE trade;

INSERT INTO staged.orders BY NAME
SELECT row_no, page_id, platform, shop, tid AS order_id, type AS order_type,
  order_status(status, step, paid IS NOT NULL) AS status, status AS source_status, created AS created_at, created_on,
  paid AS paid_at, paid_on, shipped AS shipped_at, ended AS ended_at, modified AS modified_at, goods AS goods_amount,
  coalesce(freight, 0) AS freight_amount, coalesce(discount, 0) + line_discount AS discount_amount,
  adjust AS adjust_amount, payable AS payable_amount, CASE WHEN paid IS NULL THEN 0 ELSE payable END AS paid_amount,
  coalesce(received, 0) AS received_amount, step AS presale_step,
  CASE WHEN step = 'FRONT_PAID_FINAL_NOPAID' THEN step_paid END AS deposit_amount,
  CASE WHEN step = 'FRONT_PAID_FINAL_NOPAID' AND step_paid IS NOT NULL THEN modified END AS deposit_seen_at,
  province, city, line_count, fetched_at AS synced_at
FROM good;

INSERT INTO staged.order_lines BY NAME
SELECT row_no, page_id, platform, shop, oid AS line_id, tid AS order_id, product_id, sku_id, merchant_sku, title,
  properties AS sku_properties, quantity, price AS unit_price, l.discount AS discount_amount,
  share AS shop_discount_share, coalesce(divided, total - share) AS paid_amount,
  order_status(l.status, step, paid IS NOT NULL) AS status, l.status AS source_status,
  CASE WHEN coalesce(refund_status, 'NO_REFUND') = 'NO_REFUND' THEN 'none' ELSE refund_status_of(refund_status) END
    AS refund_status,
  coalesce(is_gift, false) AS is_gift, carrier, tracking_number, l.shipped AS shipped_at,
  coalesce(merchant_sku, concat_ws(':', platform, coalesce(product_id, ''), sku_id)) AS sku
FROM line AS l JOIN good USING (row_no);

-- quantity is that of one bundle [I]
INSERT INTO staged.line_parts BY NAME
SELECT row_no, page_id, platform, shop, oid AS line_id, part_no, tid AS order_id, text_of(p.item_id) AS product_id,
  coalesce(text_of(p.sku_id), '') AS sku_id, coalesce(text_of(p.outer_sku_id), text_of(p.outer_iid)) AS merchant_sku,
  coalesce(whole(p.quantity), 1) AS quantity
FROM (SELECT row_no, oid, unnest(parts) AS p, generate_subscripts(parts, 1) AS part_no FROM line WHERE len(parts) > 0)
JOIN good USING (row_no);

INSERT INTO staged.unknown_codes
SELECT api, 'status', status FROM good WHERE order_status(status, '', true) = 'unknown'
UNION ALL SELECT api, 'step_trade_status', step FROM good WHERE step NOT IN
  ('FRONT_NOPAID_FINAL_NOPAID', 'FRONT_PAID_FINAL_NOPAID', 'FRONT_PAID_FINAL_PAID', 'FRONT_PAID_FRONT_FORFEITED')
UNION ALL SELECT api, 'orders.status', l.status FROM line AS l JOIN good USING (row_no)
WHERE order_status(l.status, '', true) = 'unknown'
UNION ALL SELECT api, 'orders.refund_status', refund_status FROM line JOIN good USING (row_no)
WHERE refund_status <> 'NO_REFUND' AND refund_status_of(refund_status) = 'unknown';

DROP TABLE good; DROP TABLE line; DROP TABLE line_sum;

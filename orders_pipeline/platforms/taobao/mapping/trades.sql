-- Lists of trades and single trades -> staged.orders, staged.order_lines, staged.line_parts.
-- Money: decisions 1 to 3; lines: decision 6 and 7; city: decision 8.
CREATE OR REPLACE TEMP TABLE page_rows AS
SELECT page_id, platform, shop, api, fetched_at, row_count, TRY(from_json(
    -- a single trade stands under "trade", lists under "trades"
    CASE WHEN api IN ('taobao.trade.fullinfo.get', 'taobao.trade.get')
      THEN '{"trades":{"trade":[' || coalesce(json_extract(body, '$.trade')::VARCHAR, '') || ']}}' ELSE body END,
    '{"trades":{"trade":[{
      "tid":"VARCHAR","type":"VARCHAR","status":"VARCHAR","created":"VARCHAR","pay_time":"VARCHAR",
      "consign_time":"VARCHAR","end_time":"VARCHAR","modified":"VARCHAR","total_fee":"VARCHAR","post_fee":"VARCHAR",
      "discount_fee":"VARCHAR","payment":"VARCHAR","received_payment":"VARCHAR","step_trade_status":"VARCHAR",
      "step_paid_fee":"VARCHAR","receiver_state":"VARCHAR","receiver_city":"VARCHAR","receiver_district":"VARCHAR",
      "_misfit":["VARCHAR"],
      "orders":{"order":[{
        "oid":"VARCHAR","status":"VARCHAR","refund_status":"VARCHAR","num_iid":"VARCHAR","sku_id":"VARCHAR",
        "outer_iid":"VARCHAR","outer_sku_id":"VARCHAR","title":"VARCHAR","sku_properties_name":"VARCHAR",
        "num":"VARCHAR","price":"VARCHAR","total_fee":"VARCHAR","discount_fee":"VARCHAR","adjust_fee":"VARCHAR",
        "part_mjz_discount":"VARCHAR","divide_order_fee":"VARCHAR","is_free_gift":"VARCHAR",
        "logistics_company":"VARCHAR","invoice_no":"VARCHAR","consign_time":"VARCHAR",
        "combine_item_info":{"combine_sub_item_do":[{"item_id":"VARCHAR","sku_id":"VARCHAR","quantity":"VARCHAR",
          "outer_iid":"VARCHAR","outer_sku_id":"VARCHAR"}]}}]}}]}}')).trades.trade AS rows
FROM pages;

INSERT INTO staged.rejected
SELECT page_id, NULL, coalesce(len(rows), 0) || ' of ' || row_count || ' trades readable'
FROM page_rows WHERE row_count > coalesce(len(rows), 0);

CREATE OR REPLACE TEMP TABLE trade AS
SELECT nextval('staged.row_no') AS row_no, * FROM (
  SELECT page_id, platform, shop, api, fetched_at, unnest(rows) AS t FROM page_rows);
DROP TABLE page_rows;

CREATE OR REPLACE TEMP TABLE line AS
SELECT *, concat_ws(', ',
    CASE WHEN text_of(l.oid) IS NULL THEN 'line without oid' END,
    CASE WHEN text_of(l.status) IS NULL THEN 'line without status' END,
    CASE WHEN whole(l.num) IS NULL THEN 'num of a line is no number' END,
    CASE WHEN money(l.price) IS NULL OR bad_money(l.price) THEN 'price of a line is no amount' END,
    CASE WHEN money(coalesce(text_of(l.divide_order_fee), l.total_fee)) IS NULL OR bad_money(l.divide_order_fee)
      OR bad_money(l.total_fee) THEN 'divide_order_fee or total_fee of a line is no amount' END,
    CASE WHEN bad_money(l.discount_fee) OR bad_money(l.adjust_fee) OR bad_money(l.part_mjz_discount)
      THEN 'discount_fee, adjust_fee or part_mjz_discount of a line is no amount' END,
    CASE WHEN bad_date(l.consign_time) THEN 'consign_time of a line is no date' END) AS reason
FROM (SELECT row_no, unnest(t.orders."order") AS l FROM trade);

CREATE OR REPLACE TEMP TABLE line_sum AS
SELECT row_no, count(*) AS line_count, count(DISTINCT l.oid) AS line_ids, max(nullif(reason, '')) AS reason,
  sum(coalesce(money(l.discount_fee), 0))::DECIMAL(18, 2) AS discount,
  sum(coalesce(money(l.adjust_fee), 0))::DECIMAL(18, 2) AS adjust
FROM line GROUP BY row_no;

CREATE OR REPLACE TEMP TABLE trade_sum AS
SELECT row_no, coalesce(line_count, 0) AS line_count, discount, adjust, nullif(concat_ws(', ',
    CASE WHEN text_of(t.tid) IS NULL THEN 'no tid' END,
    CASE WHEN text_of(t.status) IS NULL THEN 'no status' END,
    CASE WHEN instant(t.created) IS NULL THEN 'created is no date' END,
    CASE WHEN instant(t.modified) IS NULL THEN 'modified is no date' END,
    CASE WHEN bad_date(t.pay_time) THEN 'pay_time is no date' END,
    CASE WHEN bad_date(t.consign_time) THEN 'consign_time is no date' END,
    CASE WHEN bad_date(t.end_time) THEN 'end_time is no date' END,
    CASE WHEN money(t.payment) IS NULL OR bad_money(t.payment) THEN 'payment is no amount' END,
    CASE WHEN money(t.total_fee) IS NULL OR bad_money(t.total_fee) THEN 'total_fee is no amount' END,
    CASE WHEN bad_money(t.post_fee) THEN 'post_fee is no amount' END,
    CASE WHEN bad_money(t.discount_fee) THEN 'discount_fee is no amount' END,
    CASE WHEN bad_money(t.received_payment) THEN 'received_payment is no amount' END,
    CASE WHEN bad_money(t.step_paid_fee) THEN 'step_paid_fee is no amount' END,
    CASE WHEN line_count IS NULL THEN 'orders is no list of lines' END,
    CASE WHEN line_ids < line_count THEN 'the same oid twice' END,
    misfit_reason(t._misfit), reason), '') AS reason
FROM trade LEFT JOIN line_sum USING (row_no);

INSERT INTO staged.rejected SELECT page_id, text_of(t.tid), reason FROM trade JOIN trade_sum USING (row_no) WHERE reason IS NOT NULL;

INSERT INTO staged.orders BY NAME
SELECT row_no, page_id, platform, shop, t.tid AS order_id, text_of(t.type) AS order_type,
  order_status(t.status, t.step_trade_status, t.pay_time) AS status, t.status AS source_status,
  instant(t.created) AS created_at, day_of(t.created) AS created_on,
  instant(t.pay_time) AS paid_at, day_of(t.pay_time) AS paid_on,
  instant(t.consign_time) AS shipped_at, instant(t.end_time) AS ended_at, instant(t.modified) AS modified_at,
  money(t.total_fee) AS goods_amount, coalesce(money(t.post_fee), 0) AS freight_amount,
  coalesce(money(t.discount_fee), 0) + discount AS discount_amount, adjust AS adjust_amount,
  money(t.payment) AS payable_amount,
  CASE WHEN instant(t.pay_time) IS NULL THEN 0 ELSE money(t.payment) END AS paid_amount,
  coalesce(money(t.received_payment), 0) AS received_amount,
  text_of(t.step_trade_status) AS presale_step,
  CASE WHEN t.step_trade_status = 'FRONT_PAID_FINAL_NOPAID' THEN money(t.step_paid_fee) END AS deposit_amount,
  CASE WHEN t.step_trade_status = 'FRONT_PAID_FINAL_NOPAID' AND money(t.step_paid_fee) IS NOT NULL
    THEN instant(t.modified) END AS deposit_seen_at,
  text_of(t.receiver_state) AS province,
  coalesce(text_of(t.receiver_city), text_of(t.receiver_district)) AS city,
  line_count, fetched_at AS synced_at
FROM trade JOIN trade_sum USING (row_no) WHERE reason IS NULL;

INSERT INTO staged.order_lines BY NAME
SELECT row_no, page_id, platform, shop, l.oid AS line_id, t.tid AS order_id, text_of(l.num_iid) AS product_id,
  coalesce(text_of(l.sku_id), '') AS sku_id, coalesce(text_of(l.outer_sku_id), text_of(l.outer_iid)) AS merchant_sku,
  l.title AS title, text_of(l.sku_properties_name) AS sku_properties, whole(l.num) AS quantity,
  money(l.price) AS unit_price, coalesce(money(l.discount_fee), 0) AS discount_amount,
  coalesce(money(l.part_mjz_discount), 0) AS shop_discount_share,
  coalesce(money(l.divide_order_fee), money(l.total_fee) - coalesce(money(l.part_mjz_discount), 0)) AS paid_amount,
  order_status(l.status, t.step_trade_status, t.pay_time) AS status, l.status AS source_status,
  CASE WHEN coalesce(text_of(l.refund_status), 'NO_REFUND') = 'NO_REFUND' THEN 'none'
    ELSE refund_status_of(l.refund_status) END AS refund_status,
  coalesce(flag(l.is_free_gift), false) AS is_gift,
  text_of(l.logistics_company) AS carrier, text_of(l.invoice_no) AS tracking_number, instant(l.consign_time) AS shipped_at
FROM line JOIN trade USING (row_no) JOIN trade_sum USING (row_no) WHERE trade_sum.reason IS NULL;

-- quantity is that of one bundle [I]
INSERT INTO staged.line_parts BY NAME
SELECT row_no, page_id, platform, shop, line_id, part_no, order_id, text_of(p.item_id) AS product_id,
  coalesce(text_of(p.sku_id), '') AS sku_id, coalesce(text_of(p.outer_sku_id), text_of(p.outer_iid)) AS merchant_sku,
  coalesce(whole(p.quantity), 1) AS quantity
FROM (
  SELECT row_no, page_id, platform, shop, l.oid AS line_id, t.tid AS order_id,
    unnest(l.combine_item_info.combine_sub_item_do) AS p,
    generate_subscripts(l.combine_item_info.combine_sub_item_do, 1) AS part_no
  FROM line JOIN trade USING (row_no) JOIN trade_sum USING (row_no)
  WHERE trade_sum.reason IS NULL AND len(l.combine_item_info.combine_sub_item_do) > 0);

INSERT INTO staged.unknown_codes
SELECT api, 'status', t.status FROM trade JOIN trade_sum USING (row_no)
WHERE reason IS NULL AND order_status(t.status, '', '') = 'unknown'
UNION ALL SELECT api, 'step_trade_status', t.step_trade_status FROM trade JOIN trade_sum USING (row_no)
WHERE reason IS NULL AND text_of(t.step_trade_status) NOT IN
  ('FRONT_NOPAID_FINAL_NOPAID', 'FRONT_PAID_FINAL_NOPAID', 'FRONT_PAID_FINAL_PAID', 'FRONT_PAID_FRONT_FORFEITED')
UNION ALL SELECT api, 'orders.status', l.status FROM line JOIN trade USING (row_no) JOIN trade_sum USING (row_no)
WHERE trade_sum.reason IS NULL AND order_status(l.status, '', '') = 'unknown'
UNION ALL SELECT api, 'orders.refund_status', l.refund_status FROM line JOIN trade USING (row_no) JOIN trade_sum USING (row_no)
WHERE trade_sum.reason IS NULL AND text_of(l.refund_status) <> 'NO_REFUND' AND refund_status_of(l.refund_status) = 'unknown';

DROP TABLE trade; DROP TABLE line; DROP TABLE line_sum; DROP TABLE trade_sum;

-- Whole items with their SKUs -> staged.skus, staged.stock_snapshots. Decision 7: an item without SKUs is one row of its own.
CREATE OR REPLACE TEMP MACRO items_of(body) AS TRY(from_json(body,
  '{"items":{"item":[{
    "num_iid":"VARCHAR","title":"VARCHAR","cid":"VARCHAR","outer_id":"VARCHAR","num":"VARCHAR","price":"VARCHAR",
    "approve_status":"VARCHAR","with_hold_quantity":"VARCHAR","modified":"VARCHAR","_misfit":["VARCHAR"],
    "skus":{"sku":[{
      "sku_id":"VARCHAR","outer_id":"VARCHAR","properties":"VARCHAR","properties_name":"VARCHAR","price":"VARCHAR",
      "quantity":"VARCHAR","with_hold_quantity":"VARCHAR","status":"VARCHAR","barcode":"VARCHAR",
      "modified":"VARCHAR"}]}}]}}')).items.item;

CREATE OR REPLACE TEMP TABLE page_rows AS
SELECT page_id, platform, shop, api, fetched_at, row_count, items_of(body) AS rows
FROM pages WHERE api <> 'taobao.item.seller.get'
UNION ALL
SELECT page_id, platform, shop, api, fetched_at, row_count,
  items_of('{"items":{"item":[' || coalesce(TRY(json_extract(body, '$.item')::VARCHAR), '') || ']}}') AS rows
FROM pages WHERE api = 'taobao.item.seller.get';

INSERT INTO staged.rejected
SELECT page_id, NULL, coalesce(len(rows), 0) || ' of ' || row_count || ' items readable'
FROM page_rows WHERE row_count > coalesce(len(rows), 0);

CREATE OR REPLACE TEMP TABLE item AS
SELECT row_number() OVER () AS item_no, * FROM (
  SELECT page_id, platform, shop, api, fetched_at, unnest(rows) AS i FROM page_rows);
DROP TABLE page_rows;

CREATE OR REPLACE TEMP TABLE offer AS
SELECT item_no, page_id, platform, shop, api, fetched_at, i, s, nullif(concat_ws(', ',
    CASE WHEN text_of(i.num_iid) IS NULL THEN 'no num_iid' END,
    CASE WHEN has_skus AND text_of(s.sku_id) IS NULL THEN 'SKU without sku_id' END,
    CASE WHEN whole(CASE WHEN has_skus THEN s.quantity ELSE i.num END) IS NULL THEN 'quantity is no number' END,
    CASE WHEN bad_amount(i.price, amount(i.price)) OR bad_amount(s.price, amount(s.price)) THEN 'price is no amount' END,
    CASE WHEN instant(coalesce(text_of(s.modified), i.modified)) IS NULL THEN 'modified is no date' END,
    misfit_reason(i._misfit)), '') AS reason
FROM (
  SELECT *, coalesce(len(i.skus.sku), 0) > 0 AS has_skus,
    unnest(CASE WHEN coalesce(len(i.skus.sku), 0) > 0 THEN i.skus.sku ELSE [NULL] END) AS s FROM item);

-- an item lands with all its SKUs or not at all: what is missing from it counts as deleted
CREATE OR REPLACE TEMP TABLE bad_item AS
SELECT item_no, page_id, any_value(text_of(i.num_iid)) AS item_id, max(reason) AS reason
FROM offer WHERE reason IS NOT NULL GROUP BY ALL;
INSERT INTO staged.rejected SELECT page_id, item_id, reason FROM bad_item;
DELETE FROM offer WHERE item_no IN (SELECT item_no FROM bad_item);

INSERT INTO staged.skus BY NAME
SELECT nextval('staged.row_no') AS row_no, page_id, platform, shop, i.num_iid AS product_id,
  coalesce(text_of(s.sku_id), '') AS sku_id, coalesce(text_of(s.outer_id), text_of(i.outer_id)) AS merchant_sku,
  i.title AS title,
  -- "pid:vid:name:value;..." -> "name:value;...", as order lines show it
  coalesce(array_to_string(list_transform(string_split(text_of(s.properties_name), ';'),
    lambda p: array_to_string(string_split(p, ':')[3:], ':')), ';'), text_of(s.properties)) AS properties,
  text_of(i.cid) AS category, text_of(s.barcode) AS barcode, coalesce(money(s.price), money(i.price)) AS price,
  CASE WHEN s.status = 'delete' THEN 'deleted' WHEN i.approve_status = 'onsale' THEN 'on_sale'
    WHEN i.approve_status = 'instock' THEN 'off_sale' ELSE 'unknown' END AS status,
  nullif(concat_ws('/', text_of(i.approve_status), text_of(s.status)), '') AS source_status,
  instant(coalesce(text_of(s.modified), i.modified)) AS modified_at, fetched_at AS synced_at
FROM offer;

INSERT INTO staged.stock_snapshots BY NAME
SELECT nextval('staged.row_no') AS row_no, page_id, platform, shop, i.num_iid AS product_id,
  coalesce(text_of(s.sku_id), '') AS sku_id, coalesce(text_of(s.outer_id), text_of(i.outer_id)) AS merchant_sku,
  whole(CASE WHEN s IS NULL THEN i.num ELSE s.quantity END) AS on_hand,
  coalesce(whole(CASE WHEN s IS NULL THEN i.with_hold_quantity ELSE s.with_hold_quantity END), 0) AS withheld,
  coalesce(money(s.price), money(i.price)) AS price, fetched_at AS snapshot_at
FROM offer;

INSERT INTO staged.unknown_codes
SELECT api, 'approve_status', i.approve_status FROM offer WHERE text_of(i.approve_status) NOT IN ('onsale', 'instock')
UNION ALL SELECT api, 'skus.status', s.status FROM offer WHERE text_of(s.status) NOT IN ('normal', 'delete');

DROP TABLE item; DROP TABLE offer; DROP TABLE bad_item;

-- Lists of logistics orders -> staged.shipments: those with a number (decision 9).
CREATE OR REPLACE TEMP TABLE page_rows AS
SELECT page_id, platform, shop, fetched_at, row_count, TRY(from_json(body,
    '{"shippings":{"shipping":[{
      "tid":"VARCHAR","out_sid":"VARCHAR","company_name":"VARCHAR","status":"VARCHAR","created":"VARCHAR",
      "modified":"VARCHAR","sub_tids":{"number":["VARCHAR"]},"_misfit":["VARCHAR"]}]}}')).shippings.shipping AS rows
FROM pages;

INSERT INTO staged.rejected
SELECT page_id, NULL, coalesce(len(rows), 0) || ' of ' || row_count || ' shippings readable'
FROM page_rows WHERE row_count > coalesce(len(rows), 0);

CREATE OR REPLACE TEMP TABLE shipping AS
SELECT *, nullif(concat_ws(', ',
    CASE WHEN text_of(s.tid) IS NULL THEN 'no tid' END,
    CASE WHEN bad_date(s.created, instant(s.created)) THEN 'created is no date' END,
    CASE WHEN instant(coalesce(text_of(s.modified), s.created)) IS NULL THEN 'modified is no date' END,
    misfit_reason(s._misfit)), '') AS reason
FROM (SELECT page_id, platform, shop, fetched_at, unnest(rows) AS s FROM page_rows);
DROP TABLE page_rows;

INSERT INTO staged.rejected SELECT page_id, text_of(s.tid), reason FROM shipping WHERE reason IS NOT NULL;

INSERT INTO staged.shipments BY NAME
SELECT nextval('staged.row_no') AS row_no, page_id, platform, shop, s.tid AS order_id,
  text_of(s.out_sid) AS tracking_number, text_of(s.company_name) AS carrier, text_of(s.status) AS source_status,
  list_sort(list_distinct(coalesce(s.sub_tids.number, []))) AS line_ids, instant(s.created) AS created_at,
  instant(coalesce(text_of(s.modified), s.created)) AS modified_at, fetched_at AS synced_at
FROM shipping WHERE reason IS NULL AND text_of(s.out_sid) IS NOT NULL;

DROP TABLE shipping;

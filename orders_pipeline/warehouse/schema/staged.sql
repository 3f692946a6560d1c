-- In memory, beside staged.<name> for each table of core (stage.py): one row for each thing that a page shows, repeats
-- included. page_id names the page in `pages`; a higher row_no was read later.
CREATE TABLE staged.rejected (page_id BIGINT, row_id VARCHAR, reason VARCHAR);
CREATE TABLE staged.unknown_codes (api VARCHAR, field VARCHAR, code VARCHAR);
CREATE SEQUENCE staged.row_no;

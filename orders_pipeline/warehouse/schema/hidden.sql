-- A list of hidden files that hides none.
SELECT 0::BIGINT AS number, '' AS file, TIMESTAMPTZ 'epoch' AS since

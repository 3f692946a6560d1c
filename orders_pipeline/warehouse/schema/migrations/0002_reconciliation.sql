-- What reconciliation by counts needs: short reads in the ledger, how a comparison was made, refunds that are gone.
ALTER TABLE ops.sync_windows ADD COLUMN shortfall BIGINT DEFAULT 0;
COMMENT ON COLUMN ops.sync_windows.shortfall IS 'Rows that the platform counted and never showed, however often it was asked.';
ALTER TABLE ops.reconciliations ADD COLUMN method VARCHAR DEFAULT 'ids';
COMMENT ON COLUMN ops.reconciliations.method IS 'ids: every id and version was compared; count: the counts, and ids only where these differed.';
ALTER TABLE ops.reconciliations ADD COLUMN excused BIGINT DEFAULT 0;
COMMENT ON COLUMN ops.reconciliations.excused IS 'Rows that changed too shortly before the comparison to be due here.';
COMMENT ON COLUMN ops.reconciliations.detail IS 'What differed: ids by kind, why they are thought to have been missed, how they came back.';
ALTER TABLE core.refunds ADD COLUMN vanished_at TIMESTAMPTZ;
COMMENT ON COLUMN core.refunds.vanished_at IS 'When reconciliation found the refund gone from the platform; NULL while it is listed.';

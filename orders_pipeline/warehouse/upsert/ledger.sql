-- The windows of the staged files, in the transaction that wrote their rows. A replay finds its row and adds none.
INSERT INTO ops.sync_windows BY NAME
SELECT w.* FROM memory.staged.windows AS w ANTI JOIN ops.sync_windows AS known
  USING (shop, api, window_start, window_end, fetched_at);

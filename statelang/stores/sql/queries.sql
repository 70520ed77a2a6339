-- Every statement of the SQLite store, by name. Placeholders are plain: numbered ones are warned of by Python 3.12.0.

-- name: insert_definition
INSERT OR IGNORE INTO definition (digest, source) VALUES (?, ?)

-- name: insert_execution
INSERT INTO execution (id, machine, digest, fingerprint, started_at, status, stopped_at, error, cause, owner, epoch, due,
                       started, map_run, child)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING key

-- name: find_start
SELECT fingerprint FROM execution WHERE id = ?

-- name: insert_first_log
INSERT INTO log (id, body) VALUES (?, ?)

-- name: insert_log
-- The fence: a worker whose lease is gone writes no row.
INSERT INTO log (id, body) SELECT ?, ? FROM execution WHERE key = ? AND epoch = ?

-- name: check_lease
SELECT 1 FROM execution WHERE key = ? AND epoch = ?

-- name: end_execution
UPDATE execution
   SET status = ?, stopped_at = ?, error = ?, cause = ?, owner = NULL, due = NULL
 WHERE key = ?

-- name: run_again
UPDATE execution
   SET status = 'RUNNING', stopped_at = NULL, error = NULL, cause = NULL, redrives = ?, due = 0
 WHERE key = ?

-- name: release
-- Posts that came while it was held make it due at once. Who has given it back writes nothing any more.
UPDATE execution
   SET owner = NULL,
       epoch = epoch + 1,
       due = CASE
           WHEN status <> 'RUNNING' THEN NULL
           WHEN EXISTS (SELECT 1 FROM post WHERE post.execution = execution.key) THEN 0
           ELSE ?
       END
 WHERE key = ?

-- name: delete_post
DELETE FROM post WHERE number = ?

-- name: upsert_frame
INSERT INTO frame (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body

-- name: set_snapshot
UPDATE execution SET snapshot = ? WHERE key = ?

-- name: claim
UPDATE execution
   SET owner = ?, epoch = epoch + 1, due = 0
 WHERE id = ? AND status = 'RUNNING' AND (owner IS NULL OR owner = ?)
RETURNING key, epoch

-- name: reopen
UPDATE execution
   SET owner = ?, epoch = epoch + 1, due = 0
 WHERE id = ? AND status NOT IN ('RUNNING', 'SUCCEEDED') AND (owner IS NULL OR owner = ?)
RETURNING key, epoch

-- name: holder
SELECT owner FROM execution WHERE id = ?

-- name: free_owner
-- What an owner holds is always due, so that the index finds it; one that does not run is due no more.
UPDATE execution
   SET owner = NULL, due = CASE WHEN status = 'RUNNING' THEN due END
 WHERE owner = ? AND due IS NOT NULL

-- name: due
SELECT id FROM execution WHERE owner IS NULL AND due <= ? ORDER BY due LIMIT ?

-- name: next_due
SELECT min(due) FROM execution WHERE owner IS NULL AND due IS NOT NULL

-- name: owners
SELECT id FROM owner

-- name: insert_owner
INSERT INTO owner (process) VALUES (?)

-- name: delete_owner
DELETE FROM owner WHERE id = ?

-- name: key_of
SELECT key FROM execution WHERE id = ?

-- name: insert_post
INSERT INTO post (execution, at, body) VALUES (?, ?, ?)

-- name: wake
UPDATE execution SET due = 0 WHERE key = ? AND owner IS NULL AND status = 'RUNNING'

-- name: posts_to_owner
SELECT post.number, execution.id, post.body
  FROM post JOIN execution ON execution.key = post.execution
 WHERE execution.owner = ? ORDER BY post.number

-- name: posts_to_execution
SELECT post.number, execution.id, post.body
  FROM post JOIN execution ON execution.key = post.execution
 WHERE post.execution = ? ORDER BY post.number

-- name: started
SELECT key, started, snapshot FROM execution WHERE id = ?

-- name: frames
SELECT body FROM frame WHERE id BETWEEN ? AND ?

-- name: log_since
SELECT id, body FROM log WHERE id > ? AND id <= ? ORDER BY id

-- name: log_next
SELECT id, body FROM log WHERE id > ? AND id <= ? ORDER BY id LIMIT 1

-- name: log_with
-- The row in which the value of a number stands.
SELECT body FROM log WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1

-- name: last_log
SELECT body FROM log WHERE id >= ? AND id <= ? ORDER BY id DESC LIMIT 1

-- name: summary
SELECT id, machine, status, started_at, stopped_at, due, owner, redrives, error, cause, digest
  FROM execution WHERE id = ?

-- name: summaries
SELECT id, machine, status, started_at, stopped_at, due, owner, redrives, error, cause, digest
  FROM execution
 WHERE map_run IS NULL
   AND machine = coalesce(?, machine) AND status = coalesce(?, status) AND started_at < coalesce(?, started_at + 1)
 ORDER BY started_at DESC, key DESC LIMIT ?

-- name: summaries_of_run
SELECT id, machine, status, started_at, stopped_at, due, owner, redrives, error, cause, digest
  FROM execution
 WHERE map_run = ?
   AND machine = coalesce(?, machine) AND status = coalesce(?, status) AND started_at < coalesce(?, started_at + 1)
 ORDER BY child LIMIT ?

-- name: write_map_run
INSERT INTO map_run (id, execution, started_at, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET body = excluded.body

-- name: add_tally
UPDATE map_run
   SET succeeded = succeeded + ?, failed = failed + ?, timed_out = timed_out + ?, aborted = aborted + ?,
       items_succeeded = items_succeeded + ?, items_failed = items_failed + ?,
       items_timed_out = items_timed_out + ?, items_aborted = items_aborted + ?
 WHERE id = ?

-- name: map_run
SELECT body, succeeded, failed, timed_out, aborted, items_succeeded, items_failed, items_timed_out, items_aborted
  FROM map_run WHERE id = ?

-- name: map_runs
SELECT body, succeeded, failed, timed_out, aborted, items_succeeded, items_failed, items_timed_out, items_aborted
  FROM map_run WHERE execution = ? ORDER BY started_at, rowid

-- name: members
SELECT child, id FROM execution
 WHERE map_run = ? AND child >= ? AND status IN (SELECT value FROM json_each(?)) ORDER BY child LIMIT ?

-- name: children
-- The first and the last log row of each child.
SELECT key, started,
       (SELECT body FROM log WHERE id > key * 4294967296 ORDER BY id LIMIT 1),
       (SELECT body FROM log WHERE id < (key + 1) * 4294967296 ORDER BY id DESC LIMIT 1)
  FROM execution WHERE map_run = ? AND child >= ? ORDER BY child LIMIT ?

-- name: insert_queued
INSERT INTO queue (activity, execution, token, input) VALUES (?, ?, ?, ?)

-- name: queued
SELECT 1 FROM queue WHERE activity = ? LIMIT 1

-- name: take
-- Tasks of what has ended are taken off too; status says so.
DELETE FROM queue WHERE number = (SELECT min(number) FROM queue WHERE activity = ?)
RETURNING execution, token, input, (SELECT status FROM execution WHERE execution.id = queue.execution)

-- name: empty_queue
DELETE FROM queue WHERE execution = (SELECT id FROM execution WHERE key = ?)

-- name: definition
SELECT source FROM definition WHERE digest = ?

-- name: delete_frame
DELETE FROM frame WHERE id = ?

-- name: delete_frames
DELETE FROM frame WHERE id IN (SELECT id FROM frame WHERE id BETWEEN ? AND ? LIMIT ?)

-- name: prunable
SELECT key FROM execution
 WHERE map_run IS NULL AND status <> 'RUNNING' AND owner IS NULL AND stopped_at < ? ORDER BY stopped_at LIMIT ?

-- name: runs_of
SELECT map_run.id FROM map_run JOIN execution ON execution.id = map_run.execution WHERE execution.key = ?

-- name: stray_runs
SELECT id FROM map_run WHERE execution NOT IN (SELECT id FROM execution)

-- name: running_child
SELECT 1 FROM execution WHERE map_run = ? AND (status = 'RUNNING' OR owner IS NOT NULL) LIMIT 1

-- name: some_children
SELECT key FROM execution WHERE map_run = ? LIMIT ?

-- name: delete_map_run
DELETE FROM map_run WHERE id = ?

-- name: still_prunable
SELECT 1 FROM execution WHERE key = ? AND status <> 'RUNNING' AND owner IS NULL

-- name: stray_keys
-- The keys of log rows whose execution is gone: one look-up per key, however many rows it has.
WITH RECURSIVE known (key) AS (
    SELECT min(id) / 4294967296 FROM log
    UNION ALL
    SELECT (SELECT min(id) / 4294967296 FROM log WHERE id >= (known.key + 1) * 4294967296)
      FROM known WHERE known.key IS NOT NULL
)
SELECT key FROM known WHERE key IS NOT NULL AND key NOT IN (SELECT key FROM execution)

-- name: delete_log
DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id BETWEEN ? AND ? LIMIT ?)

-- name: delete_posts
DELETE FROM post WHERE execution = ?

-- name: delete_execution
DELETE FROM execution WHERE key = ?

-- name: delete_definitions
DELETE FROM definition WHERE digest NOT IN (SELECT digest FROM execution)

-- name: count_statuses
SELECT status, count(*) FROM execution GROUP BY status

-- name: count_log
SELECT count(*), coalesce(sum(length(body)), 0) FROM log

-- name: count_posts
SELECT count(*) FROM post

-- name: stray_log
SELECT count(*) FROM log WHERE id / 4294967296 NOT IN (SELECT key FROM execution)

-- name: keys
SELECT id, key FROM execution ORDER BY key

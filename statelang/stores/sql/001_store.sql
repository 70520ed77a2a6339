-- Statelang store, format 1.

-- The definitions that executions pin, by digest of their text.
CREATE TABLE definition (
    digest TEXT PRIMARY KEY,
    source TEXT NOT NULL
) WITHOUT ROWID;

-- The processes that drive executions. Each holds a lock on a file of its own for as long as it lives.
CREATE TABLE owner (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    process TEXT NOT NULL
);

-- One row per execution: how it stands, its lease (owner, epoch), and what it is (JSON, its input being value 1 of the log).
-- fingerprint: a digest of machine, definition and input, by which a repeated start is known.
-- due: when it has to be driven next, milliseconds since 1970 (0: now; NULL: not until something is posted).
-- snapshot: the log row up to which the table frame is complete.
CREATE TABLE execution (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    machine TEXT NOT NULL,
    digest TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    stopped_at INTEGER,
    error TEXT,
    cause TEXT,
    redrives INTEGER NOT NULL DEFAULT 0,
    owner INTEGER,
    epoch INTEGER NOT NULL,
    due INTEGER,
    snapshot INTEGER NOT NULL DEFAULT 0,
    started TEXT NOT NULL
);
CREATE INDEX execution_due ON execution (owner, due) WHERE due IS NOT NULL;
CREATE INDEX execution_list ON execution (started_at, key);
CREATE INDEX execution_status ON execution (status, stopped_at);

-- History and checkpoint in one: a row per commit of one execution, never changed.
-- id = execution key * 2^32 + number of the commit's first step; a value of number n stands in the last row up to n.
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    body TEXT NOT NULL
);

-- Frames as they were at the snapshot, so that loading reads these and the few log rows since.
-- id = execution key * 2^32 + number of the frame.
CREATE TABLE frame (
    id INTEGER PRIMARY KEY,
    body TEXT NOT NULL
);

-- The inbox: what other processes want to happen to an execution.
CREATE TABLE post (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    execution INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX post_execution ON post (execution, number);

-- The history as SQL sees it: id, type, time, state and error of each event.
CREATE VIEW event AS
SELECT execution.id AS execution,
       json_extract(record.value, '$[0]') + entry.key AS id,
       json_extract(entry.value, '$[0]') AS type,
       strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(record.value, '$[1]') / 1000.0, 'unixepoch') AS time,
       CASE
           WHEN json_extract(entry.value, '$[0]') LIKE '%StateEntered'
             OR json_extract(entry.value, '$[0]') LIKE '%StateExited'
             OR json_extract(entry.value, '$[0]') LIKE 'MapIteration%'
             OR json_extract(entry.value, '$[0]') = 'EvaluationFailed' THEN json_extract(entry.value, '$[2]')
       END AS state,
       CASE
           WHEN json_extract(entry.value, '$[0]') IN ('TaskFailed', 'TaskTimedOut') THEN json_extract(entry.value, '$[4]')
           WHEN json_extract(entry.value, '$[0]') = 'EvaluationFailed' THEN json_extract(entry.value, '$[3]')
           WHEN json_extract(entry.value, '$[0]') IN (
               'ExecutionFailed', 'ExecutionAborted', 'ExecutionTimedOut', 'LambdaFunctionFailed',
               'LambdaFunctionTimedOut', 'ActivityFailed', 'ActivityTimedOut') THEN json_extract(entry.value, '$[2]')
       END AS error
  FROM execution
  JOIN log ON log.id BETWEEN execution.key * 4294967296 AND execution.key * 4294967296 + 4294967295
  JOIN json_each(log.body, '$.records') AS record
  JOIN json_each(record.value, '$[2]') AS entry;

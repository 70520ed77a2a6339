-- Statelang store, format 2: Map Runs and their children, activities.

-- A child of a Map Run: which one's (map_run), and which of its children (child).
ALTER TABLE execution ADD COLUMN map_run TEXT;
ALTER TABLE execution ADD COLUMN child INTEGER;
CREATE INDEX execution_child ON execution (map_run, child) WHERE map_run IS NOT NULL;

-- Lists show what somebody started; there may be a million children to one of those.
DROP INDEX execution_list;
DROP INDEX execution_status;
CREATE INDEX execution_list ON execution (started_at, key) WHERE map_run IS NULL;
CREATE INDEX execution_status ON execution (status, stopped_at) WHERE map_run IS NULL;

-- Map Runs: body is written by who drives the parent; the counts are added to by the last commit of each child.
CREATE TABLE map_run (
    id TEXT PRIMARY KEY,
    execution TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    timed_out INTEGER NOT NULL DEFAULT 0,
    aborted INTEGER NOT NULL DEFAULT 0,
    items_succeeded INTEGER NOT NULL DEFAULT 0,
    items_failed INTEGER NOT NULL DEFAULT 0,
    items_timed_out INTEGER NOT NULL DEFAULT 0,
    items_aborted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX map_run_execution ON map_run (execution, started_at);

-- Tasks that wait for a worker of their activity.
CREATE TABLE queue (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    activity TEXT NOT NULL,
    execution TEXT NOT NULL,
    token TEXT NOT NULL,
    input TEXT NOT NULL
);
CREATE INDEX queue_activity ON queue (activity, number);
CREATE INDEX queue_execution ON queue (execution);

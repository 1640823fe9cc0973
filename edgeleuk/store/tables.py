"""The SQL of the store's tables, of the steps from each older schema to this one, and of reading an older one."""

VERSION = 4
_RESULTS = """
CREATE TABLE results (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    path NOT NULL,
    subject TEXT,
    label TEXT NOT NULL,
    probabilities TEXT NOT NULL,
    prepare_ms REAL NOT NULL,
    invoke_ms REAL NOT NULL,
    spec_version INTEGER NOT NULL,
    device TEXT NOT NULL,
    source TEXT NOT NULL,
    created TEXT NOT NULL,
    stage INTEGER,
    warnings TEXT,
    corrected_label TEXT,
    corrected_by TEXT,
    corrected_at TEXT,
    measures TEXT,
    UNIQUE (sha256, model_sha256)
);
CREATE INDEX results_by_subject ON results (subject, label, created);
CREATE INDEX results_by_time ON results (created);
"""
_FAILURES = """
CREATE TABLE failures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path NOT NULL,
    error TEXT NOT NULL,
    sha256 TEXT,
    source TEXT NOT NULL,
    created TEXT NOT NULL,
    subject TEXT,
    UNIQUE (source, path)
);
"""
_PREVIEWS = "CREATE TABLE previews (sha256 TEXT PRIMARY KEY, jpeg BLOB NOT NULL, created TEXT);\n"
SINCE_3 = """
CREATE TABLE models (
    sha256 TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    classes TEXT NOT NULL,
    display_names TEXT NOT NULL,
    first_seen TEXT NOT NULL
);
CREATE TABLE names (
    sha256 TEXT NOT NULL,
    path NOT NULL,
    source TEXT NOT NULL,
    created TEXT NOT NULL,
    UNIQUE (sha256, path)
);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    what TEXT NOT NULL,
    result_id INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    old TEXT,
    new TEXT
);
CREATE TABLE attempts (path PRIMARY KEY NOT NULL, tries INTEGER NOT NULL, started TEXT NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_IDENTITY = "INSERT INTO facts VALUES ('id', lower(hex(randomblob(4))));\n"
_TO_2 = "ALTER TABLE results ADD COLUMN stage INTEGER;\n"
_TO_3 = f"""
ALTER TABLE results ADD COLUMN warnings TEXT;
ALTER TABLE results ADD COLUMN corrected_label TEXT;
ALTER TABLE results ADD COLUMN corrected_by TEXT;
ALTER TABLE results ADD COLUMN corrected_at TEXT;
ALTER TABLE failures RENAME TO failures_before;
{_FAILURES}
INSERT INTO failures (path, error, sha256, source, created)
    SELECT path, error, sha256, source, created FROM failures_before ORDER BY rowid;
DROP TABLE failures_before;
ALTER TABLE previews ADD COLUMN created TEXT;
{SINCE_3}{_IDENTITY}"""
_MEASURES = "ALTER TABLE results ADD COLUMN measures TEXT;\n"
_FAILED_SUBJECT = "ALTER TABLE failures ADD COLUMN subject TEXT;\n"
STEPS = {
    0: _RESULTS + _FAILURES + _PREVIEWS + SINCE_3 + _IDENTITY,
    1: _TO_2 + _TO_3 + _MEASURES,
    2: _TO_3 + _MEASURES,
    3: _MEASURES + _FAILED_SUBJECT,
}
_AS_IF_3 = """
CREATE TEMP VIEW results AS SELECT *, {stage}NULL AS warnings, NULL AS corrected_label, NULL AS corrected_by,
    NULL AS corrected_at, NULL AS measures FROM main.results;
CREATE TEMP VIEW failures AS
    SELECT rowid AS id, path, error, sha256, source, created, NULL AS subject FROM main.failures;
CREATE TEMP VIEW previews AS SELECT *, NULL AS created FROM main.previews;
""" + SINCE_3.replace("CREATE TABLE", "CREATE TEMP TABLE")
AS_IF_NEW = {
    1: _AS_IF_3.format(stage="NULL AS stage, "),
    2: _AS_IF_3.format(stage=""),
    3: """
CREATE TEMP VIEW results AS SELECT *, NULL AS measures FROM main.results;
CREATE TEMP VIEW failures AS SELECT *, NULL AS subject FROM main.failures;
""",
}

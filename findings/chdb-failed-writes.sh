#!/usr/bin/env bash
# chdb 4.4.0 ignores a write(2) that fails while a part is written: the insert succeeds, the part is damaged, and
# reading it fails. The system refuses here with EFBIG, above a limit of file sizes; with ENOSPC and EIO (injected by
# strace) it is the same. Failing to open or to fsync a file raises. The one trace is a counter in system.events.
# Expected: an insert whose bytes were not taken raises, and none of its rows is there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet chdb==4.4.0
cat >"$folder/program.py" <<'PROGRAM'
import importlib.metadata
import resource
import sys

import chdb

print("chdb", importlib.metadata.version("chdb"))
connection = chdb.connect(sys.argv[1])
connection.query(
    "CREATE TABLE words (n UInt8, text String DEFAULT randomPrintableASCII(500000)) ENGINE = MergeTree ORDER BY n "
    "SETTINGS fsync_after_insert = 1, min_bytes_for_wide_part = 0"
)
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
try:
    connection.query("INSERT INTO words (n) VALUES (1)")
    inserted = "succeeds"
except RuntimeError as problem:
    inserted = f"raises: {str(problem)[:100]}"
resource.setrlimit(resource.RLIMIT_FSIZE, before)
try:
    connection.query("SELECT sum(cityHash64(text)) FROM words")
    read = "succeeds"
except RuntimeError as problem:
    read = f"raises: {str(problem)[:100]}"
failed = connection.query(
    "SELECT value FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'", "TSV"
)
print("insert above the limit of file sizes", inserted)
print("reading what it inserted", read)
print("failed writes that it counted:", str(failed).strip())
if inserted != "succeeds" or read == "succeeds":
    sys.exit("failed writes are reported now")
PROGRAM
"$folder/env/bin/python" "$folder/program.py" "$folder/data"

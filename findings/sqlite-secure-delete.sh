#!/bin/sh
# SQLite: with `PRAGMA secure_delete=ON` some deleted or replaced values are still in the file afterwards.
#
# The documentation says that deleted content is overwritten with zeros. Random inserts, deletions and updates of one
# table with an index, all committed and checkpointed, leave a few of the removed keys in the pages; VACUUM clears them.
# Needs Python only, whose sqlite3 module is used. Exits 1 when no removed value is left before VACUUM.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 - "$folder/t.db" <<'PYTHON'
import random
import re
import sqlite3
import sys

path = sys.argv[1]
print("sqlite", sqlite3.sqlite_version)


def left(gone):
    with open(path, "rb") as file:
        found = set(re.findall(rb"KEY\d{12}", file.read()))
    return sum(key.encode() in found for key in gone)


random.seed(1)
db = sqlite3.connect(path, isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
print("secure_delete", db.execute("PRAGMA secure_delete=ON").fetchone()[0])
db.execute("CREATE TABLE t (id TEXT PRIMARY KEY, k TEXT, body TEXT)")
db.execute("CREATE INDEX i ON t (k)")
keys, gone = {}, set()
for _ in range(3000):
    db.execute("BEGIN IMMEDIATE")
    for _ in range(random.randint(1, 4)):
        act, key = random.random(), f"KEY{random.getrandbits(36):012d}"
        if act < 0.6 or not keys:
            row = f"{random.getrandbits(128):032x}"
            keys[row] = key
            db.execute("INSERT INTO t VALUES (?, ?, ?)", (row, key, key + "x" * random.choice((5, 50, 300, 3000, 9000))))
        elif act < 0.8:
            row = random.choice(list(keys))
            db.execute("DELETE FROM t WHERE id = ?", (row,))
            gone.add(keys.pop(row))
        else:
            row = random.choice(list(keys))
            gone.add(keys[row])
            keys[row] = key
            db.execute("UPDATE t SET k = ?, body = ? WHERE id = ?", (key, key + "y" * random.choice((5, 50, 300, 3000)), row))
    db.execute("COMMIT")
gone -= set(keys.values())
print("checkpoint", db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
before = left(gone)
db.execute("VACUUM")
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
print(f"removed keys {len(gone)}, left in the file {before}, after VACUUM {left(gone)}")
sys.exit(0 if before else 1)
PYTHON

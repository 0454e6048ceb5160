"""`python -m benchmarks`: every benchmark in turn, each in its own process. Campaigns are commands of their own."""

import subprocess
import sys

for name in ("ingest", "queries", "caption"):
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)

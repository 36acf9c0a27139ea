# SPDX-License-Identifier: MIT
"""Both examples under valgrind with two loops, SOAK_SECONDS (60) each: no error, no leak of any kind."""
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import traffic  # noqa: E402
from support.program import INSTRUMENT  # noqa: E402

if not shutil.which("valgrind"):
    print("valgrind is not installed (make deps-ci)")
    sys.exit(77)
if INSTRUMENT:
    print("instrumented programs do not run under valgrind")
    sys.exit(77)
traffic.soak_all("valgrind", patience=120,
                 wrap=["valgrind", "--quiet", "--fair-sched=yes", "--leak-check=full", "--show-leak-kinds=all",
                       "--errors-for-leak-kinds=all", "--error-exitcode=99"])

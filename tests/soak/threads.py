# SPDX-License-Identifier: MIT
"""Both examples built with ThreadSanitizer, with two loops, SOAK_SECONDS (60) each: no data race."""
import os
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import traffic  # noqa: E402
from support.program import BUILD, INSTRUMENT, ROOT  # noqa: E402

build = BUILD
if INSTRUMENT not in ("", "thread"):
    print("instrumented otherwise")
    sys.exit(77)
if not INSTRUMENT:
    build = BUILD / "san-thread"
    make = [os.environ.get("MAKE", "make"), "--no-print-directory", "-C", str(ROOT), f"BUILD={BUILD}"]
    subprocess.run([*make, "SAN=thread", "examples"], check=True, stdout=subprocess.DEVNULL)
traffic.soak_all("ThreadSanitizer", build=build, patience=60)

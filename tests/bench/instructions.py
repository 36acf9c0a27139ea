#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts instructions per delivery with callgrind, and compares them with those in instructions.json.

    instructions.py PROGRAM            fails when a scenario takes 5 % more than it did
    instructions.py PROGRAM --write    writes down what it takes now

Unlike times, these figures do not depend on what else the machine does; on the compiler they do, so those of
another compiler are only shown.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ALLOWED = 1.05
KEPT = Path(__file__).with_name("instructions.json")
SCENARIOS = ["layer", "send", "websocket", "batch", "receive"]
SKIPPED = 77


def compiler_of(program):
    """The compiler that made a program, from the notes it leaves in it."""
    notes = subprocess.run(["readelf", "-p", ".comment", program], check=True, capture_output=True, text=True).stdout
    found = re.findall(r"\]\s+(.+)", notes)
    return found[-1].strip() if found else "unknown"


def count(program, scenario):
    """Instructions per delivery."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--toggle-collect=measured",
             program, scenario], check=True, capture_output=True, text=True)
    collected = int(re.search(r"Collected : (\d+)", run.stderr).group(1))
    return round(collected / int(run.stdout), 1)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not shutil.which("valgrind"):
        print("valgrind is not installed (make deps-ci)")
        sys.exit(SKIPPED)
    program = sys.argv[1]
    compiler = compiler_of(program)
    now = {scenario: count(program, scenario) for scenario in SCENARIOS}
    if "--write" in sys.argv:
        KEPT.write_text(json.dumps({"compiler": compiler, "per_delivery": now}, indent=2) + "\n")
    kept = json.loads(KEPT.read_text())
    comparable = kept["compiler"] == compiler
    failed = 0
    for scenario, figure in now.items():
        before = kept["per_delivery"].get(scenario)
        ratio = figure / before if before else 1
        worse = comparable and ratio > ALLOWED
        failed += worse
        print(f"{'FAILED' if worse else '  ok  '} {scenario:10} {figure:8.1f} instructions per delivery, "
              f"was {before} ({(ratio - 1) * 100:+.1f} %)")
    if not comparable:
        print(f"note: not compared, the figures are of {kept['compiler']}, this is {compiler}")
    print(f"{len(now) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

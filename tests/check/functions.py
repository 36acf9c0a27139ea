#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Functions of lib/ fit a screen (60 lines at most), and files a sitting (a warning above 400 lines)."""
import json
import shutil
import subprocess
import sys
from pathlib import Path

FUNCTION_MAX = 60
FILE_MAX = 400

root = Path(__file__).resolve().parents[2]
sources = sorted((root / "lib").glob("*/*.[ch]"))
if not shutil.which("ctags"):
    print("universal-ctags is not installed (make deps-ci)")
    sys.exit(77)

tags = subprocess.run(
    ["ctags", "--output-format=json", "--fields=+ne", "--kinds-C=f", "-f", "-", *map(str, sources)],
    check=True, capture_output=True, text=True).stdout
functions = []
for line in tags.splitlines():
    tag = json.loads(line)
    if "end" in tag:
        place = Path(tag["path"]).relative_to(root)
        functions.append((tag["end"] - tag["line"] + 1, f"{place}:{tag['line']} {tag['name']}"))
functions.sort(reverse=True)

for path in sources:
    lines = len(path.read_text().splitlines())
    if lines > FILE_MAX:
        print(f"warning: {path.relative_to(root)} has {lines} lines")
if functions:
    lengths = [lines for lines, _ in functions]
    print(f"note: {len(lengths)} functions in {len(sources)} files, lines: median {lengths[len(lengths) // 2]}, "
          f"90 % {lengths[len(lengths) // 10]}, longest {functions[0][1]} ({lengths[0]})")
long = [f"{place} has {lines} lines, more than {FUNCTION_MAX}" for lines, place in functions if lines > FUNCTION_MAX]
print("\n".join(long))
sys.exit(1 if long else 0)

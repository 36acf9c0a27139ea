#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every public function is called by a scenario that fails each allocation in turn.

Those are the files tests/unit/*/test_every_allocation.c, which consist of nothing else, with the helpers of their folder;
and in every other unit test what is called, directly or through functions of the file, by a test that has "allocation" in its
name or by what is given to unit_fail_every_allocation. A function that a header declares and none of them calls is
a fault, and so is a scenario that is not run.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def code(path):
    return re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)


def declared():
    for header in sorted((ROOT / "include/swale").glob("*.h")):
        text = re.sub(r"^#.*?(?<!\\)$", "", code(header), flags=re.M)
        for declaration in re.findall(r"\bSWALE_API\b([^;{]*)", text):
            function = re.search(r"\b(swale_\w+)\s*\(", declaration)
            if function:
                yield header.name, function.group(1)


def macros():
    """swale_x_default(...) calls swale_x_init(...)."""
    for header in (ROOT / "include/swale").glob("*.h"):
        yield from re.findall(r"#define (swale_\w+)\([^)]*\)\s*\\?\s*(swale_\w+)\(", code(header))


def reached(text):
    """What the tests about allocations in a file call, through its own functions too."""
    bodies = dict(re.findall(r"^static [\w *]*?(\w+)\([^;{]*\) \{\n(.*?)^\}", text, re.M | re.S))
    todo = [name for name in bodies if "allocation" in name]
    todo += re.findall(r"unit_fail_every_allocation\w*\((\w+)\)", text)
    words = set()
    while todo:
        found = set(re.findall(r"\w+", bodies.pop(todo.pop(), "")))
        words |= found
        todo += found & bodies.keys()
    return {word for word in words if word.startswith("swale_")}


def main():
    faults = []
    called = set()
    for path in ROOT.glob("tests/unit/*/test_*.c"):
        called |= reached(code(path))
    files = sorted(ROOT.glob("tests/unit/*/test_every_allocation.c"))
    for path in files:
        text = code(path)
        helpers = [p for p in path.parent.glob("*.[ch]") if not p.name.startswith("test_")]
        called |= set(re.findall(r"\b(swale_\w+)\b", text + "".join(map(code, helpers))))
        # Each scenario, and each test, is mentioned besides where it is defined.
        for name in re.findall(r"^static \w+ \*?(\w+)\(", text, flags=re.M):
            if len(re.findall(rf"\b{name}\b", text)) < 2:
                faults.append(f"{path.relative_to(ROOT)}: {name} is not used")
    called |= {function for macro, function in macros() if macro in called}
    total = 0
    for header, function in declared():
        total += 1
        if function not in called:
            faults.append(f"{function} ({header}) is in no scenario that fails each allocation")
    print(f"note: {total} public functions, {len(files)} files of scenarios")
    print("\n".join(faults))
    return 1 if faults or not files else 0


sys.exit(main())

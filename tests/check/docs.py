#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is printed in README and docs/guide compiles as printed, links lead somewhere, the reference is up to date."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CC = os.environ.get("CC", "cc")
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude", "-fsyntax-only", "-x", "c"]
CONSUMER_LINES = 40


def pages():
    yield ROOT / "README.md"
    for folder in ("docs", "examples"):
        yield from sorted((ROOT / folder).rglob("*.md"))


def programs(text):
    """The C blocks that stand on their own: those that include something."""
    return [code for code in re.findall(r"```c\n(.*?)```", text, re.S) if "#include" in code]


def compiles(path, code):
    with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
        source.write(code)
        source.flush()
        done = subprocess.run([CC, *FLAGS, source.name], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{path.relative_to(ROOT)}: a block does not compile\n{done.stderr}")
    return done.returncode == 0


def links_lead_somewhere(path, text):
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    good = True
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not re.match(r"https?:", target) and not (path.parent / target).exists():
            print(f"{path.relative_to(ROOT)}: no such file: {target}")
            good = False
    return good


def consumer_is_short():
    code = programs((ROOT / "README.md").read_text())
    lines = len([line for line in code[0].splitlines() if line.strip()]) if code else 0
    if not 0 < lines <= CONSUMER_LINES:
        print(f"README's consumer has {lines} lines, not 1 to {CONSUMER_LINES}")
        return False
    return True


def main():
    good = consumer_is_short()
    count = 0
    for path in pages():
        text = path.read_text()
        good = links_lead_somewhere(path, text) and good
        if "reference" not in path.parts:
            for code in programs(text):
                count += 1
                good = compiles(path, code) and good
    reference = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, check=False)
    print(f"note: {count} printed programs compiled with {CC}")
    return 0 if good and reference.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

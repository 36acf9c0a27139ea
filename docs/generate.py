#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes docs/reference from include/swale: one page per header, comments as prose, declarations as code.

    docs/generate.py            write the pages
    docs/generate.py --check    exit 1 if a page is not what the headers say
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ROOT / "include" / "swale"
PAGES = ROOT / "docs" / "reference"
ORDER = ["swale", "app", "consumer", "scope", "layer", "loop", "message", "ws", "json", "redis", "testing",
         "transport", "backend", "env", "url", "utf8", "error", "api"]
NOISE = re.compile(r'^(#ifndef|#define SWALE_\w+_H$|#endif|#include|#ifdef __cplusplus|extern "C" \{|\}$|/\* SPDX)')


def blocks(text):
    """Paragraphs of a header: runs of lines between blank lines, where a comment keeps its inner blank lines."""
    block, in_comment, depth = [], False, 0
    for line in text.splitlines():
        if not line.strip() and not in_comment and depth == 0:
            if block:
                yield block
            block = []
            continue
        if not in_comment and not block and NOISE.match(line):
            continue
        block.append(line)
        code = re.sub(r"/\*.*?\*/", "", line)
        if "/*" in code:
            in_comment = True
        if "*/" in line and line.rfind("*/") > line.rfind("/*"):
            in_comment = False
        if not in_comment:
            depth += code.count("{") - code.count("}")
    if block:
        yield block


def prose(lines):
    """The text of a comment. Indented lines stay as they are, as code."""
    out = []
    for line in lines:
        line = re.sub(r"^\s*/\*+ ?", "", line)
        line = re.sub(r"\s*\*/\s*$", "", line)
        line = re.sub(r"^ \* ?", "", line)
        out.append(line.rstrip())
    return "\n".join(out).strip("\n")


def split(block):
    """A block's leading comment and what it describes."""
    if not block[0].lstrip().startswith("/*"):
        return [], block
    for i, line in enumerate(block):
        if "*/" in line:
            tail = line.split("*/", 1)[1].strip()
            return (block[:i + 1], block[i + 1:]) if not tail else ([], block)
    return [], block


def page(name):
    text = (HEADERS / f"{name}.h").read_text()
    out = [f"# swale/{name}.h", "", "<!-- Made by docs/generate.py from the header: change that. -->", ""]
    for block in blocks(text):
        comment, code = split(block)
        code = [line for line in code if not NOISE.match(line)]
        title = re.match(r"^/\* -{4,} (.*?) -+ \*/$", block[0])
        if title:
            out += [f"## {title.group(1).capitalize()}", ""]
            comment, code = split(block[1:]) if len(block) > 1 else ([], [])
        if comment:
            out += [prose(comment), ""]
        if code:
            out += ["```c", *[line.replace("SWALE_API ", "") for line in code], "```", ""]
    return "\n".join(out).rstrip("\n") + "\n"


def contents(names):
    out = ["# Reference", "", "<!-- Made by docs/generate.py from the headers. -->", ""]
    return "\n".join(out + [f"- [swale/{name}.h]({name}.md)" for name in names]) + "\n"


def main():
    found = {path.stem for path in HEADERS.glob("*.h")}
    names = [name for name in ORDER if name in found] + sorted(found - set(ORDER))
    pages = {"README.md": contents(names)} | {f"{name}.md": page(name) for name in names}
    if "--check" in sys.argv:
        there = {path.name: path.read_text() for path in PAGES.glob("*.md")}
        stale = sorted(name for name in pages.keys() | there.keys() if pages.get(name) != there.get(name))
        if stale:
            print("docs/reference is not what the headers say (run `make docs`):", ", ".join(stale))
            return 1
        print(f"docs/reference: {len(pages)} pages are up to date")
        return 0
    PAGES.mkdir(parents=True, exist_ok=True)
    for path in PAGES.glob("*.md"):
        path.unlink()
    for name, text in pages.items():
        (PAGES / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

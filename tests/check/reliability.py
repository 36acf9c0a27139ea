#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/reliability.md says what is so.

Every test it names exists, in the file it names; so does every script. Every limit that a config struct of the headers has
stands in it, with the default that the library fills in.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SWALE_BUILD", ROOT / "build"))
CC = os.environ.get("CC", "cc")
STRUCTS = {"swale_ws_options": "ws.h", "swale_ws_deflate": "ws.h", "swale_app_config": "app.h", "swale_layer_config": "layer.h",
           "swale_loop_config": "loop.h", "swale_drain_config": "loop.h", "swale_redis_config": "redis.h"}
# Numbers that limit nothing.
NO_LIMITS = {"size", "n_capacities", "n_backends", "n_hosts", "n_keys", "random_prefix_length", "keep", "code", "level", "mem_level", "server_window_bits", "client_window_bits",
             "server_context_takeover", "client_context_takeover"}
CONSTANTS = ["SWALE_MESSAGE_SIZE_DEFAULT", "SWALE_MESSAGE_DEPTH_MAX", "SWALE_JSON_VALUES_DEFAULT"]
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}

faults = []


def fields():
    """(struct, field) of every number in the configs that is a limit."""
    for struct, header in STRUCTS.items():
        text = re.sub(r"/\*.*?\*/", "", (ROOT / "include/swale" / header).read_text(), flags=re.S)
        body = re.search(rf"struct {struct} \{{(.*?)\n\}};", text, re.S).group(1)
        for names in re.findall(r"^\s*(?:size_t|uint\d+_t|int|unsigned)\s+(\w+(?:, \w+)*);", body, re.M):
            yield from ((struct, field) for field in names.split(", ") if field not in NO_LIMITS)


def actual_defaults():
    """The value of every limit, from a program linked with the library."""
    lines = ["#include <stdio.h>", "#include <swale/json.h>", "#include <swale/redis.h>", "#include <swale/swale.h>", "#include <swale/ws.h>", "int main(void) {"]
    for struct in STRUCTS:
        lines.append(f"struct {struct} {struct}_; {struct}_default(&{struct}_);")
    for struct, field in fields():
        lines.append(f'printf("{struct}.{field} %llu\\n", (unsigned long long){struct}_.{field});')
    for name in CONSTANTS:
        lines.append(f'printf("{name} %llu\\n", (unsigned long long){name});')
    lines.append("return 0; }")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "defaults"
        subprocess.run([CC, "-std=c11", f"-I{ROOT}/include", "-x", "c", "-", "-o", program, f"-L{BUILD}", "-lswale-redis", "-lswale-ws", "-lswale",
                        f"-Wl,-rpath,{BUILD}"], input="\n".join(lines), text=True, check=True)
        output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {name: int(value) for name, value in map(str.split, output.splitlines())}


def number(text):
    match = re.fullmatch(r"([\d,]+)(?: (\w+))?", text)
    if not match or (match.group(2) or "") not in UNITS:
        return None
    return int(match.group(1).replace(",", "")) * UNITS[match.group(2) or ""]


def check_limits(text):
    rows = dict(re.findall(r"^\| `([\w.]+)` \| ([^|]+?) \|", text, re.M))
    for name, value in actual_defaults().items():
        if name not in rows:
            faults.append(f"{name} is not in the table of limits")
        elif number(rows[name]) != value:
            faults.append(f"{name} is {value} by default, not {rows[name]}")


def check_tests(text):
    named = re.findall(r"`([a-z0-9_]+)` \((\w+/\w+)\)", text)
    for test, place in named:
        files = [p for p in (ROOT / f"tests/unit/{place}.c", ROOT / f"tests/{place}.c") if p.exists()]
        if not any(re.search(rf"\b{test}\b", p.read_text()) for p in files):
            faults.append(f"there is no {test} in {place}.c")
    for path in re.findall(r"`(tests/[\w/.]+)`", text):
        if not (ROOT / path).exists():
            faults.append(f"there is no {path}")
    for target in re.findall(r"`make ([\w-]+)", text):
        if not re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M):
            faults.append(f"the Makefile has no {target}")
    return len(named)


def main():
    if os.environ.get("SWALE_INSTRUMENT"):
        print("instrumented libraries need their runtime")
        return 77
    text = (ROOT / "docs/reliability.md").read_text()
    check_limits(text)
    print(f"note: {check_tests(text)} mentions of tests")
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())

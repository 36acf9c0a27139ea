#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the conformance cases against examples/echo, or against any echo server.

    tests/conformance/run.py                     starts $SWALE_BUILD/examples/echo
    tests/conformance/run.py --port 9001 [1.1 7] a server that runs already; only these groups
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import deflate  # noqa: E402,F401
import frames  # noqa: E402,F401
import handshake  # noqa: E402,F401
import runner  # noqa: E402
import text  # noqa: E402,F401

NAMES = {"1": "framing", "2": "pings and pongs", "3": "reserved bits", "4": "opcodes", "5": "fragmentation", "6": "UTF-8",
         "7": "closing", "8": "handshake", "9": "limits and sizes", "10": "automatic fragmentation",
         "12": "compression: payloads", "13": "compression: parameters, data"}
COMPRESSION = ("12", "13")


def start():
    build = os.environ.get("SWALE_BUILD", "build")
    server = subprocess.Popen([f"{build}/examples/echo", "0"], stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    return server, int(re.search(r":(\d+)/", line).group(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    server, port = (None, options.port) if options.port else start()
    without = COMPRESSION if os.environ.get("SWALE_DEFLATE") == "0" and not options.port else ()
    try:
        groups, failed, seconds = runner.run(port, options.cases, without)
    finally:
        if server:
            server.terminate()
            status = server.wait(10)
    for group, (passed, count) in sorted(groups.items(), key=lambda item: int(item[0])):
        print(f"note: {group:>3} {NAMES[group]:<28} {passed:>4} of {count:<4} {'pass' if passed == count else 'FAIL'}")
    for line in failed:
        print(line)
    total = sum(count for _, count in groups.values())
    print(f"note: {total - len(failed)} of {total} cases pass, in {seconds:.0f} s")
    if server and status != 0:
        print(f"the server ended with {status}")
        return 1
    return 1 if failed or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

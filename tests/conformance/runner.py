# SPDX-License-Identifier: MIT
"""Registers cases, runs them against a port, prints the table. The words that cases are written in are here too."""
import struct
import time
import traceback

from peer import CLOSE, Gone, Silence, close_payload

CASES = []


def case(number, title):
    def register(function):
        CASES.append((number, title, function))
        return function
    return register


def echoes(peer, kind, payload):
    peer.send(kind, payload)
    answer = peer.read()
    assert answer == (kind, payload), f"not the echo but {answer[0]}, {len(answer[1])} bytes"


def gone(peer, seconds=2.0):
    """The server ends the TCP connection by itself."""
    try:
        while True:
            peer.read_frame(seconds)
    except Gone:
        return
    except Silence as error:
        raise AssertionError("the server did not end the connection") from error


def expect_close(peer, code):
    """The next thing the server says is a close with this code (None: without one); then it ends the connection."""
    opcode, payload = peer.read()
    assert opcode == CLOSE, f"not a close but opcode {opcode}: {payload[:40]!r}"
    got = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else None
    codes = code if isinstance(code, tuple) else (code,)
    assert got in codes, f"close {got}, not {code}"
    payload[2:].decode("utf-8")
    return got


def expect_end(peer, code):
    """A close with this code, and then the end of the connection."""
    expect_close(peer, code)
    gone(peer)


def fails(peer, code):
    """The server fails the connection with this close code, and ends it at the latest when we have heard that."""
    try:
        expect_close(peer, code)
    except Gone as error:
        raise AssertionError(f"ended without a close frame ({error})") from error
    peer.finish()
    gone(peer)


def ends(peer):
    """An orderly close from our side is answered with the same code."""
    peer.send(CLOSE, close_payload(1000))
    expect_end(peer, 1000)


def sort_key(number):
    return [int(part) for part in number.split(".")]


def run(port, wanted=None, without=()):
    groups, failed, began = {}, [], time.monotonic()
    for number, title, function in sorted(CASES, key=lambda entry: sort_key(entry[0])):
        if wanted and not any(number == w or number.startswith(w + ".") for w in wanted):
            continue
        group = number.split(".")[0]
        if group in without:
            continue
        passed, count = groups.get(group, (0, 0))
        try:
            function(port)
            passed += 1
        except Exception as error:  # a case may fail in any way; none may end the run
            where = traceback.extract_tb(error.__traceback__)[-1]
            failed.append(f"{number} {title}: {type(error).__name__}: {error} ({where.name}:{where.lineno})")
        groups[group] = (passed, count + 1)
    return groups, failed, time.monotonic() - began

# SPDX-License-Identifier: MIT
"""Layers on Redis: swale's and channels_redis' beside each other, on a redis-server that each round starts anew."""
import contextlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import servers as kinds

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.redis_server import Redis  # noqa: E402

MODES = ["pubsub", "core"]
# processes, members of each, messages under way
SCENARIOS = [(1, 1, 1), (1, 100, 1), (1, 1000, 1), (1, 5000, 1), (1, 1000, 16), (20, 50, 16)]
QUICK_SCENARIOS = [(1, 1000, 1)]
# deliveries a second as a multiple of channels_redis' in the same round, at 1,000 members
BARS = {"pubsub": 20, "core": 50}
# a round trip of one member as a multiple of the bare program's in the same round, in tries that take turns
ECHO_BAR, ECHO_TRIES, QUICK_TRIES, ECHO_TRY_MS = 1.5, 6, 3, 150
ECHO_PLACES = ["one processor", "as scheduled"]
TIMEOUT = 300


def run(redis, *command):
    """What a program prints. Nobody's memberships are left from the one before."""
    redis.command("FLUSHALL")
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return {"error": f"not done within {TIMEOUT} s"}
    return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr.strip()[-200:]}


def middle(results):
    """That with the middle p50, or one that failed."""
    failed = [r for r in results if "error" in r]
    return failed[0] if failed else sorted(results, key=lambda r: r["p50_us"])[len(results) // 2]


@contextlib.contextmanager
def one_processor(redis):
    """The server and whatever is started meanwhile share one."""
    mine = os.sched_getaffinity(0)
    for pid in (0, redis.process.pid):
        os.sched_setaffinity(pid, {max(mine)})
    try:
        yield
    finally:
        for pid in (0, redis.process.pid):
            os.sched_setaffinity(pid, mine)


class Round:
    """All that is measured on one redis-server."""

    def __init__(self, build, redis, ms, with_python):
        self.build, self.redis, self.ms, self.with_python = build, redis, ms, with_python

    def url(self, mode):
        return f"{self.redis.url}/0?mode={mode}"

    def fan(self, mode, processes, members, window):
        before = self.redis_seconds(), self.redis_sends()
        swale = run(self.redis, self.build / "redis", "fan", self.url(mode), processes, members, window, self.ms)
        if sends := self.redis_sends() - before[1]:
            swale["redis_us"] = (self.redis_seconds() - before[0]) / sends * 1e6
        if processes > 1 or not self.with_python:
            return {"swale": swale}
        return {"swale": swale,
                "channels_redis": run(self.redis, "/usr/bin/python3", kinds.PEERS / "redis_channels.py", mode, self.redis.port,
                                      members, window, 2 * self.ms)}

    def redis_seconds(self):
        """Processor time of redis-server."""
        lines = dict(line.split(":") for line in self.redis.command("INFO", "cpu") if ":" in line)
        return float(lines["used_cpu_user"]) + float(lines["used_cpu_sys"])

    def redis_sends(self):
        """Messages sent to groups so far: one PUBLISH, or two EVALs."""
        calls = {line.split(":")[0]: int(line.split("calls=")[1].split(",")[0])
                 for line in self.redis.command("INFO", "commandstats") if "calls=" in line}
        return calls.get("cmdstat_publish", 0) + calls.get("cmdstat_eval", 0) / 2

    def echo(self, mode, place, times):
        """
        The try in the middle of some in turn. Where the kernel puts three processes that wait for each other on two
        processors makes more of a difference than the programs do, so there is one way without a choice.
        """
        tries = {"swale": [], "bare": []}
        with one_processor(self.redis) if place == "one processor" else contextlib.nullcontext():
            for _ in range(times):
                tries["swale"].append(run(self.redis, self.build / "redis", "echo", self.url(mode), ECHO_TRY_MS))
                tries["bare"].append(run(self.redis, self.build / "redis_bare", mode, self.redis.port, ECHO_TRY_MS))
        return {who: middle(results) for who, results in tries.items()}


def median(rounds, who, key):
    """Of the rounds in which there was no error."""
    values = [r[who][key] for r in rounds if key in r.get(who, {})]
    return statistics.median(values) if values else None


def ratio(rounds, who, to, key):
    values = [r[who][key] / r[to][key] for r in rounds
              if "error" not in r.get(who, {"error": ""}) and "error" not in r.get(to, {"error": ""})]
    return statistics.median(values) if values else None


def summarise_fan(rounds):
    figures = {who: {key: median(rounds, who, key) for key in
                     ("deliveries_per_second", "messages_per_second", "p50_us", "p99_us")}
               for who in ("swale", "channels_redis") if who in rounds[0]}
    figures["swale"]["redis_us"] = median(rounds, "swale", "redis_us")
    errors = [r[who]["error"] for r in rounds for who in r if "error" in r[who]]
    return {"figures": figures, "errors": errors,
            "ratio": ratio(rounds, "swale", "channels_redis", "deliveries_per_second")}


def summarise_echo(rounds):
    return {"swale": median(rounds, "swale", "p50_us"), "bare": median(rounds, "bare", "p50_us"),
            "ratio": ratio(rounds, "swale", "bare", "p50_us"),
            "errors": [r[who]["error"] for r in rounds for who in r if "error" in r[who]]}


def run_redis(build, quick, rounds, ms, say):
    """Results by mode; {"error": ...} where something is missing."""
    if not kinds.program("redis-server")():
        return {"error": "redis-server is not installed"}
    with_python = kinds.python_module("channels_redis.core")()
    scenarios = QUICK_SCENARIOS if quick else SCENARIOS
    fans = {(mode, *s): [] for mode in MODES for s in scenarios}
    echoes = {(mode, place): [] for mode in MODES for place in ECHO_PLACES}
    for r in range(rounds):
        with Redis() as redis:
            this = Round(build, redis, ms, with_python)
            for mode in MODES:
                for place in ECHO_PLACES:
                    echoes[mode, place].append(this.echo(mode, place, QUICK_TRIES if quick else ECHO_TRIES))
                for scenario in scenarios:
                    fans[mode, *scenario].append(this.fan(mode, *scenario))
        say(r + 1)
    return {mode: {"fan": [{"processes": s[0], "members": s[1], "window": s[2], **summarise_fan(fans[mode, *s])}
                           for s in scenarios],
                   "echo": [{"place": place, **summarise_echo(echoes[mode, place])} for place in ECHO_PLACES],
                   "bar": BARS[mode], "echo_bar": ECHO_BAR}
            for mode in MODES}

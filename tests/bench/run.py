#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the benchmarks and shows the results as a table, as JSON and, if asked, as charts in docs/performance.md.

    run.py --build build/tests/bench              all of it, about 20 minutes
    run.py --build build/tests/bench --quick      under a minute, and rougher
    run.py ... --servers floor,floor-batched,swale --only fanout --rounds 7
    run.py ... --publish                          writes docs/performance.md's results and charts

Servers run on one core, the load generator on another. Servers take turns within a round, each round starts them
anew, and every ratio is one to the floor of the same round; shown is the median of the rounds. Those with a bar to hold,
and the floors, take part in all rounds, others in the first few.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import redis_runs
import report
import servers as kinds

# name, members, bytes, messages under way, bar as a ratio to which floor
SCENARIOS = [
    ("1,000 x 128 B, 1 in flight", 1000, 128, 1, (1.05, "floor")),
    ("5,000 x 128 B, 1 in flight", 5000, 128, 1, (1.05, "floor")),
    ("10,000 x 128 B, 1 in flight", 10000, 128, 1, (1.05, "floor")),
    ("1,000 x 16 KiB, 1 in flight", 1000, 16384, 1, (1.05, "floor")),
    ("1,000 x 128 B, 16 in flight", 1000, 128, 16, (1.10, "floor-batched")),
    ("5,000 x 128 B, 16 in flight", 5000, 128, 16, (1.10, "floor-batched")),
    ("1,000 x 16 KiB, 16 in flight", 1000, 16384, 16, (0.50, "floor")),
]
QUICK_SCENARIOS = [SCENARIOS[0], SCENARIOS[4]]
SLOW_SCENARIOS = [SCENARIOS[0]]
QUICK_SERVERS = ["floor", "floor-batched", "swale"]
BARRED = ["floor", "floor-batched", "swale", "io_uring"]
PEER_ROUNDS = 5
LOAD_TIMEOUT = 120
CALM_SECONDS = 90


def run_load(build, server, core, path, options):
    """What the load generator says, or {"error": ...}."""
    command = [str(build / "load"), "--port", str(server.port), "--pid", server.pids(), "--path", path,
               *map(str, options)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_TIMEOUT,
                              preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    except subprocess.TimeoutExpired:
        return {"error": f"not done within {LOAD_TIMEOUT} s"}
    return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr.strip()[-200:]}


def run_server(build, server, cores, options):
    try:
        with kinds.Running(server, cores[0]) as running:
            return run_load(build, running, cores[1], server.path, options)
    except RuntimeError as error:
        return {"error": str(error)}


def rounds_of(build, chosen, cores, rounds, options, say):
    """One result for each server and round. The order changes from round to round."""
    results = {s.name: [] for s in chosen}
    for r in range(rounds):
        now = [s for s in chosen if s.name in BARRED or r < PEER_ROUNDS]
        for s in now[r % len(now):] + now[:r % len(now)]:
            if any("error" in x for x in results[s.name]):
                continue
            results[s.name].append(run_server(build, s, cores, options))
        say(r + 1)
    return results


def median(values):
    return statistics.median(values) if values else None


def summarise(results):
    """Medians of each server, with ratios to the floors of the same round."""
    summary = {}
    for name, runs in results.items():
        errors = [x["error"] for x in runs if "error" in x]
        if errors or not runs:
            summary[name] = {"error": errors[0] if errors else "did not run"}
            continue
        figures = {key: median([x[key] for x in runs]) for key in runs[0]}
        for floor in ("floor", "floor-batched"):
            below = [x for x in results.get(floor, []) if "error" not in x]
            ratios = [x["server_ns"] / y["server_ns"] for x, y in zip(runs, below) if y["server_ns"]]
            if ratios:
                figures[f"ratio_{floor}"] = round(median(ratios), 3)
                figures[f"ratios_{floor}"] = [round(x, 3) for x in ratios]
        summary[name] = figures
    return summary


def progress(what, rounds):
    def say(done):
        print(f"\r  {what}: round {done} of {rounds}", end="\n" if done == rounds else "", file=sys.stderr, flush=True)
    return say


def run_fanout(args, chosen, cores):
    rows = []
    for name, members, size, window, bar in QUICK_SCENARIOS if args.quick else SCENARIOS:
        scenario = (name, members, size, window, bar)
        takes_part = [s for s in chosen if not s.slow or scenario in SLOW_SCENARIOS]
        longer = max(1, members // 5000)  # a message to so many takes its time
        options = ["--members", members, "--size", size, "--window", window, "--ms", args.ms * longer]
        results = rounds_of(args.build, takes_part, cores, args.rounds, options, progress(name, args.rounds))
        rows.append({"name": name, "members": members, "size": size, "window": window,
                     "bar": bar[0], "bar_to": bar[1], "servers": summarise(results)})
    return rows


def few_rounds(args):
    return min(args.rounds, PEER_ROUNDS)


def run_connect(args, chosen, cores):
    rows = []
    own = [s for s in chosen if not s.slow]
    for name, window in (("64 at a time", 64), ("2,000 at once", 2000))[:1 if args.quick else 2]:
        options = ["--members", 2000, "--connect", window]
        results = rounds_of(args.build, own, cores, few_rounds(args), options,
                            progress(f"connect, {name}", few_rounds(args)))
        rows.append({"name": name, "servers": summarise(results)})
    return rows


def run_program(build, core, *command):
    done = subprocess.run([str(build / command[0]), *command[1:]], capture_output=True, text=True, check=False,
                          preexec_fn=(lambda: os.sched_setaffinity(0, {core})) if core is not None else None)
    if done.returncode != 0:
        return {"error": done.stderr.strip()[-300:]}
    return json.loads(done.stdout)


def run_memory(args, core):
    result = run_program(args.build, core, "memory", "20000" if args.quick else "100000")
    if not args.quick and "error" not in result:
        result["million"] = run_program(args.build, core, "memory", "million")
    return result


def wait_for_calm():
    """Compiling this has kept the machine busy, too: the load is an average over a minute."""
    for waited in range(0, CALM_SECONDS, 5):
        if os.getloadavg()[0] <= report.BUSY:
            return
        if waited == 0:
            print(f"waiting for the load to go down to {report.BUSY}, at most {CALM_SECONDS} s", file=sys.stderr)
        time.sleep(5)


def choose(args):
    """The servers that take part; says which do not, and why."""
    everyone = kinds.all_servers(args.build)
    wanted = args.servers.split(",") if args.servers else QUICK_SERVERS if args.quick else list(everyone)
    unknown = [name for name in wanted if name not in everyone]
    if unknown:
        sys.exit(f"no such server: {', '.join(unknown)}; there are {', '.join(everyone)}")
    chosen = []
    for name in wanted:
        missing = everyone[name].missing()
        if missing:
            print(f"note: left out {everyone[name].label}: there is no {missing} (make deps-bench)", file=sys.stderr)
        else:
            chosen.append(everyone[name])
    return chosen


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=Path, required=True, help="folder of the programs")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--rounds", type=int)
    p.add_argument("--ms", type=int, help="milliseconds each measurement takes, more with many members")
    p.add_argument("--servers", help="comma-separated names")
    p.add_argument("--only", help="of fanout,layer,memory,connect,redis")
    p.add_argument("--publish", action="store_true")
    args = p.parse_args()
    args.build = args.build.resolve()
    args.rounds = args.rounds or (3 if args.quick else 11)
    args.ms = args.ms or (400 if args.quick else 600)
    return args


def main():
    args = parse_arguments()
    parts = args.only.split(",") if args.only else ["fanout", "layer", "memory", "connect", "redis"]
    cores = kinds.cores()
    chosen = choose(args)
    labels = {s.name: s.label for s in chosen}
    if not args.quick:
        wait_for_calm()
    start = time.monotonic()
    results = {"machine": report.machine(), "rounds": args.rounds, "peer_rounds": few_rounds(args), "labels": labels}
    if "fanout" in parts:
        results["fanout"] = run_fanout(args, chosen, cores)
    if "layer" in parts:
        results["layer"] = run_program(args.build, None, "layer", *(["quick"] if args.quick else []))
    if "memory" in parts:
        results["memory"] = run_memory(args, cores[0])
    if "connect" in parts:
        results["connect"] = run_connect(args, chosen, cores)
    if "redis" in parts:
        rounds = 1 if args.quick else few_rounds(args)
        results["redis"] = redis_runs.run_redis(args.build, args.quick, rounds, args.ms, progress("redis", rounds))
    results["machine"]["load_after"] = os.getloadavg()[0]
    results["seconds"] = round(time.monotonic() - start)
    (args.build / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    print(report.tables(results))
    print(f"in {results['seconds']} s; all figures are in {os.path.relpath(args.build / 'results.json')}")
    if args.publish:
        report.publish(results)


if __name__ == "__main__":
    main()

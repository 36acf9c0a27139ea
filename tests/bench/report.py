# SPDX-License-Identifier: MIT
"""Results as tables, charts, and as the generated part of docs/performance.md."""
import datetime
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

# Load of the machine, before anything is run, from which on figures are not to be trusted.
BUSY = 0.5

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
CHARTS = ROOT / "docs" / "performance"
BEGIN, END = "<!-- results: written by tests/bench/run.py --publish -->", "<!-- end of results -->"


def machine():
    cpu = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    compiler = subprocess.run([os.environ.get("CC", "cc"), "--version"], capture_output=True, text=True).stdout
    return {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "compiler": compiler.splitlines()[0] if compiler else "",
            "date": datetime.date.today().isoformat(), "load_before": os.getloadavg()[0]}


def table(head, rows):
    """A Markdown table, its columns aligned for the terminal."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                               for i, (cell, w) in enumerate(zip(row, widths))) + " |" for row in [head, *rows]]
    rule = "| " + " | ".join("-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths)) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def number(value, digits=0):
    return "" if value is None else f"{value:,.{digits}f}"


def fanout_table(results):
    """Processor time of each server per delivery, as a ratio to the floor."""
    labels = results["labels"]
    rows = []
    for row in results["fanout"]:
        floor = row["servers"].get("floor", {}).get("server_ns")
        cells = [row["name"], number(floor)]
        for name in labels:
            if name != "floor":
                figures = row["servers"].get(name, {})
                cells.append("failed" if "error" in figures and name in row["servers"]
                             else number(figures.get("ratio_floor"), 2))
        rows.append(cells)
    return table(["members, size", "floor, ns", *(labels[n] for n in labels if n != "floor")], rows)


# The bars of a host on io_uring, by messages in flight, as ratios to the floor; with long messages copying decides.
IO_URING_BARS = {1: 0.95, 16: 0.16}


def bars_of(row):
    """Whose ratio to what has which bar."""
    yield "swale", row["bar_to"], row["bar"]
    if row["size"] < 1024:
        yield "io_uring", "floor", IO_URING_BARS[row["window"]]


def bars_table(results):
    rows = []
    for row in results["fanout"]:
        for name, floor, bar in bars_of(row):
            figures = row["servers"].get(name, {})
            if f"ratio_{floor}" in figures:
                ratios = figures[f"ratios_{floor}"]
                rows.append([f"{row['name']}: {results['labels'][name]}", f"{figures[f'ratio_{floor}']:.3f} x {floor}",
                             f"{min(ratios):.3f} .. {max(ratios):.3f}", f"{bar:.2f}"])
    return table(["scenario", "median", "rounds", "bar"], rows)


def speed_table(results):
    rows = []
    for row in results["fanout"]:
        for name, figures in row["servers"].items():
            if "error" in figures:
                rows.append([row["name"], results["labels"][name], figures["error"][:60], "", "", "", "", ""])
                continue
            rows.append([row["name"], results["labels"][name], number(figures["deliveries_per_second"]),
                         number(figures["server_ns"]), number(figures["p50_us"]), number(figures["p99_us"]),
                         number(figures["max_us"]), number(figures["resident"])])
    return table(["scenario", "server", "deliveries/s", "CPU ns each", "p50 us", "p99 us", "max us",
                  "resident B/conn."], rows)


def layer_table(layer):
    rows = []
    for d in layer["deliveries"]:
        name = number(d["members"]) + (", shuffled" if d["shuffled"] else "")
        rows.append([name, *(number(1000 / d[k], 1) for k in ("count_ns", "state_ns", "send_ns"))])
    first = table(["members", "trivial handler, M/s", "handler with state, M/s", "handler that sends, M/s"], rows)
    calls = [[f"group_send to {number(int(n))}", f"{ns:.0f} ns"] for n, ns in layer["group_send_ns"].items()]
    calls += [["group_add", f"{layer['group_add_ns']:.0f} ns"], ["group_discard", f"{layer['group_discard_ns']:.0f} ns"],
              ["send and receive, plain channel", f"{layer['send_receive_ns']:.0f} ns"],
              ["send to a consumer, handled", f"{layer['send_to_consumer_ns']:.0f} ns"],
              ["allocations per message built, sent and rendered", f"{layer['allocations_per_message']:.2f}"],
              ["allocations per delivery", f"{layer['allocations_per_delivery']:.4f}"]]
    calls += [[f"two loops in two threads, {number(x['members'])} members", f"{x['ratio']:.2f} x one loop"]
              for x in layer["loops"]]
    return first + "\n\n" + table(["call", "cost"], calls)


def memory_table(memory):
    names = {"idle": "path and route parameters kept", "with_headers": "1 KiB of headers in the request, not kept",
             "headers_kept": "1 KiB of headers, kept"}
    columns = ("requested", "heap", "blocks", "heap_after_message", "heap_after_burst", "heap_later")
    rows = [[names[k], *(number(memory[k].get(f)) for f in columns)] for k in names]
    text = table([f"{number(memory['connections'])} connections", "bytes asked for", "heap bytes", "blocks",
                  "heap after a message", "heap after 16 at once", "five minutes later"], rows)
    m = memory.get("million")
    if m and "error" not in m:
        text += (f"\n\n1,000,000 connections: {m['resident_mib']:.0f} MiB resident, made in {m['connect_seconds']:.1f} s; "
                 f"a message to all is rendered, sent and taken off in {m['message_ms']:.0f} ms "
                 f"(the first in {m['first_message_ms']:.0f} ms).")
    return text


def connect_table(results):
    rows = []
    for row in results["connect"]:
        for name, f in row["servers"].items():
            rows.append([row["name"], results["labels"][name], f.get("error", "")[:60] or
                         number(f["handshakes_per_second"]), number(f.get("server_ns", 0) / 1000, 1)])
    return table(["handshakes", "server", "per second", "CPU us each"], rows)


def redis_row(mode, fan):
    """Of one scenario: swale's figures, channels_redis', and how they compare."""
    name = f"{mode}, " + (f"{fan['processes']} x " if fan["processes"] > 1 else "") + number(fan["members"])
    cells = [name + (f", {fan['window']} in flight" if fan["window"] > 1 else "")]
    for who in ("swale", "channels_redis"):
        f = fan["figures"].get(who, {})
        cells += [number(f.get("deliveries_per_second")), number(f.get("p50_us")), number(f.get("p99_us"))]
        if who == "swale":
            cells.append(number(f.get("redis_us")))
    return [*cells, number(fan["ratio"], 0)]


def redis_table(redis):
    modes = [m for m in redis if m != "error"]
    fans = table(["members", "swale, deliveries/s", "p50 us", "p99 us", "Redis' CPU us a message", "channels_redis, deliveries/s",
                  "p50 us", "p99 us", "ratio"], [redis_row(mode, fan) for mode in modes for fan in redis[mode]["fan"]])
    echoes = table(["round trip of one member, p50", "swale, us", "bare hiredis, us", "ratio", "bar"],
                   [[f"{mode}, {e['place']}", number(e["swale"], 1), number(e["bare"], 1), number(e["ratio"], 2), redis[mode]["echo_bar"]]
                    for mode in modes for e in redis[mode]["echo"]])
    bars = ", ".join(f"{redis[mode]['bar']} in {mode} mode" for mode in modes)
    errors = {e for mode in modes for x in [*redis[mode]["fan"], *redis[mode]["echo"]] for e in x["errors"]}
    return "\n\n".join([fans, f"The bars for the ratio at 1,000 members: {bars}.", echoes,
                        *(f"Failed: {e}" for e in sorted(errors))])


def tables(results):
    m = results["machine"]
    parts = [f"{m['cpu']}, {m['cores']} cores, Linux {m['kernel']}, {m['compiler']}, {m['date']}; load "
             f"{m['load_before']:.2f} before, {m['load_after']:.2f} after. Medians of {results['rounds']} rounds, of "
             f"{results['peer_rounds']} for other servers."]
    if m["load_before"] > BUSY:
        parts.append("**Provisional:** other programs kept the machine busy meanwhile, so single figures are off; ratios less so.")
    if "fanout" in results:
        parts += ["### Fan-out: server CPU per delivery, as a ratio to the floor of the same round", fanout_table(results),
                  "### The bars", bars_table(results)]
    if "layer" in results:
        layer = results["layer"]
        parts += ["### The layer alone, no sockets", layer.get("error") or layer_table(layer)]
    if "memory" in results:
        memory = results["memory"]
        parts += ["### Memory", memory.get("error") or memory_table(memory)]
    if "connect" in results:
        parts += ["### Connecting", connect_table(results)]
    if "redis" in results:
        redis = results["redis"]
        parts += ["### Layers on Redis, from one process to another", redis.get("error") or redis_table(redis)]
    if "fanout" in results:
        parts += ["### Fan-out in full", speed_table(results)]
    return "\n\n".join(parts) + "\n"


# ---- charts

STYLE = """set terminal svg size 900,420 dynamic enhanced font 'sans-serif,13' background rgb 'white'
set output '{output}'
set border 3 lc rgb '#666666'
set tics nomirror
set grid ytics lc rgb '#dddddd'
set key outside top center horizontal
"""
COLOURS = ["#9aa5b1", "#616e7c", "#0b69a3", "#c99a2e", "#8a5fb0", "#2f8f5b", "#b8473d", "#d07fa8", "#444444"]


def gnuplot(script):
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def fanout_chart(results, output):
    labels = results["labels"]
    names = [n for n in labels if n != "daphne"]
    lines = ["$d << E"]
    for row in results["fanout"]:
        cells = [str(row["servers"].get(n, {}).get("server_ns", "?")) for n in names]
        lines.append(f'"{row["name"].replace(", ", chr(92) + "n")}" ' + " ".join(cells))
    plots = ", ".join(f"$d using {i + 2}:xtic(1) title '{labels[n]}' noenhanced "
                      f"lc rgb '{COLOURS[i % len(COLOURS)]}'" for i, n in enumerate(names))
    gnuplot("\n".join(lines) + "\nE\n" + STYLE.format(output=output) + f"""
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set style line 1 lw 0
set boxwidth 0.95
set logscale y
set yrange [100:*]
set xtics font ',10'
set ylabel 'server CPU per delivery, ns'
set datafile missing '?'
plot {plots}
""")


def layer_chart(results, output):
    lines = ["$d << E"] + [f"{d['members']} " + " ".join(f"{1000 / d[k]:.2f}" for k in ("count_ns", "state_ns", "send_ns"))
                           for d in results["layer"]["deliveries"] if not d["shuffled"]]
    names = ["trivial handler", "handler with state", "handler that sends"]
    plots = ", ".join(f"$d using 1:{i + 2} with linespoints lw 2 pt 7 ps 0.6 lc rgb '{c}' title '{n}'"
                      for i, (n, c) in enumerate(zip(names, ["#0b69a3", "#2f8f5b", "#c99a2e"])))
    gnuplot("\n".join(lines) + "\nE\n" + STYLE.format(output=output) + f"""
set logscale xy
set yrange [10:*]
set format x '10^{{%L}}'
set xlabel 'members of the group'
set ylabel 'million deliveries a second'
plot {plots}
""")


def publish(results):
    """Writes the charts, and the results between the marks of docs/performance.md."""
    CHARTS.mkdir(parents=True, exist_ok=True)
    text = tables(results)
    if shutil.which("gnuplot"):
        charts = []
        if "fanout" in results:
            fanout_chart(results, CHARTS / "fanout.svg")
            charts.append("![Server CPU per delivery, by scenario and server](performance/fanout.svg)")
        if "layer" in results and "error" not in results["layer"]:
            layer_chart(results, CHARTS / "layer.svg")
            charts.append("![Deliveries a second by group size](performance/layer.svg)")
        text = "\n\n".join(charts) + "\n\n" + text
    else:
        print("note: no charts, gnuplot is not installed (make deps-bench)")
    page = PAGE.read_text() if PAGE.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n\n" + text + "\n" + END + rest.split(END)[1])
    print(f"written: {PAGE.relative_to(ROOT)}")

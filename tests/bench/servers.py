# SPDX-License-Identifier: MIT
"""The servers that are measured: how each is started, and whether it is there."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children_of(pid):
    """The process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += children_of(int(child))
    return found


class Server:
    """A kind of server. `command` gets the port and a folder of its own, and answers what to run."""

    def __init__(self, name, command, needs=(), path="/", label=None, slow=False):
        self.name, self.command, self.needs, self.path = name, command, needs, path
        self.label = label or name
        self.slow = slow

    def missing(self):
        """What it needs and this machine does not have; None when all is there."""
        for need in self.needs:
            if not (need() if callable(need) else Path(need).exists()):
                return getattr(need, "what", None) or str(need)
        return None


class Running:
    """A server that runs, pinned to one core, until the `with` block is left."""

    def __init__(self, server, core):
        self.server, self.core = server, core

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="swale-bench-")
        self.port = free_port()
        self.log = open(Path(self.folder.name) / "log", "w+b")
        self.process = subprocess.Popen(
            self.server.command(self.port, self.folder.name), stdout=self.log, stderr=self.log,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.core}))
        self.wait_until_listening()
        return self

    def wait_until_listening(self):
        for _ in range(300):
            if self.process.poll() is not None:
                break
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    time.sleep(0.05)
                    return
            time.sleep(0.05)
        self.log.seek(0)
        output = self.log.read().decode(errors="replace")
        self.__exit__()
        raise RuntimeError(f"{self.server.name} does not listen: {output[-500:]}")

    def pids(self):
        return ",".join(map(str, children_of(self.process.pid)))

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()


def requirement(what, test):
    test.what = what
    return test


def program(name):
    return requirement(name, lambda: shutil.which(name) is not None)


def python_module(name):
    return requirement(f"Python's {name}", lambda: subprocess.run(
        ["/usr/bin/python3", "-c", f"import {name}"], capture_output=True).returncode == 0)


def node_module(name):
    def found():
        return subprocess.run(["node", "-e", f"require('{name}')"], capture_output=True,
                              env=node_environment()).returncode == 0
    return requirement(f"Node's {name}", found)


def node_environment():
    """Debian's packages for Node, also for a node from elsewhere."""
    return {**os.environ, "NODE_PATH": "/usr/share/nodejs:/usr/lib/nodejs"}


def nginx_command(port, folder):
    text = (PEERS / "nchan.conf").read_text().replace("@PORT@", str(port)).replace("@FOLDER@", folder)
    config = Path(folder) / "nginx.conf"
    config.write_text(text)
    return ["nginx", "-c", str(config), "-e", f"{folder}/error.log"]


def all_servers(build):
    """Every server there may be, by name. `build`: the folder of the programs."""
    own = lambda name, *args: Server(  # noqa: E731
        name if not args else f"{name}-{args[0]}",
        lambda port, _: [str(build / f"server_{name}"), str(port), *args], needs=[build / f"server_{name}"])
    servers = [
        own("floor"),
        own("floor", "batched"),
        own("swale"),
        own("wslay"),
        own("lws"),
        Server("io_uring", lambda port, _: [str(build.parent.parent / "examples" / "io_uring"), str(port)],
               needs=[build.parent.parent / "examples" / "io_uring"], label="swale on io_uring"),
        Server("node-ws", lambda port, _: ["env", f"NODE_PATH={node_environment()['NODE_PATH']}", "node",
                                           str(PEERS / "server_node.js"), str(port)],
               needs=[program("node"), node_module("ws")], label="Node ws"),
        Server("nchan", nginx_command, label="nginx nchan",
               needs=[program("nginx"), "/usr/lib/nginx/modules/ngx_nchan_module.so"]),
        Server("daphne", lambda port, _: ["/usr/bin/python3", str(PEERS / "server_daphne.py"), str(port)],
               needs=[python_module("daphne"), python_module("channels")], slow=True, label="Daphne, Channels"),
    ]
    labels = {"floor": "floor", "floor-batched": "floor-batched", "wslay": "wslay, naive", "lws": "libwebsockets"}
    for s in servers:
        s.label = labels.get(s.name, s.label)
    return {s.name: s for s in servers}


def cores():
    """The core for the server and the one for the load generator."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        print("note: one core only, server and load generator share it", file=sys.stderr)
    return usable[0], usable[-1]

# SPDX-License-Identifier: MIT
"""The example programs as processes: started on a free port, stopped with a signal, never left behind."""
import asyncio
import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SWALE_BUILD") or ROOT / "build")
INSTRUMENT = os.environ.get("SWALE_INSTRUMENT", "")

# Seconds that anything may take. Generous: only a failure ever waits that long.
PATIENCE = 20


class Failure(AssertionError):
    """A program did something else than it should."""


class Program:
    """
    An example while it runs. Its first line of output is its URL.

    `wrap` is a command to run it under (valgrind, say), `arguments` are its own, `environment` its settings. Leaving the with block stops
    it with SIGTERM and checks that it ended well, unless the block has failed or has stopped it itself.
    """

    def __init__(self, name, *, build=None, wrap=(), arguments=(), patience=PATIENCE, **environment):
        self.name = name
        self.patience = patience
        build = Path(build or BUILD)
        # ThreadSanitizer does not start under the address randomisation of newer kernels.
        under = ["setarch", "-R"] if INSTRUMENT == "thread" or build.name == "san-thread" else []
        command = [*under, *wrap, str(build / "examples" / name), *arguments]
        settings = {"PORT": "0", **{key: str(value) for key, value in environment.items()}}
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, env={**os.environ, **settings}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        self.output = b""
        try:
            self.url = self._first_line().rstrip("/")
        except BaseException:
            self.kill()
            raise
        self.port = int(self.url.split("://")[1].split("/")[0].rsplit(":", 1)[1])

    def _first_line(self):
        deadline = time.monotonic() + self.patience
        while b"\n" not in self.output:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failure(f"{self.name} printed no URL in {self.patience} s: {self.stderr()}")
            piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                raise Failure(f"{self.name} ended with {self.process.wait()}: {self.stderr()}")
            self.output += piece
        return self.output.decode().splitlines()[0]

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def send(self, number):
        self.process.send_signal(number)

    def wait(self):
        """What the program printed, when it has ended as it should: with 0 and without complaints."""
        try:
            rest, _ = self.process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} did not end within {self.patience} s") from None
        self.output += rest
        complaints = self.stderr()
        if self.process.returncode != 0 or complaints:
            raise Failure(f"{self.name} ended with {self.process.returncode}: {complaints}")
        return self.output.decode()

    def stop(self, number=signal.SIGTERM):
        self.send(number)
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def memory_kb(self):
        """Resident memory now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise Failure(f"{self.name} has no VmRSS")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None and self.process.returncode is None:
            self.stop()
        self.kill()
        if kind is not None:
            print(f"-- {self.name} said: {self.stderr()}")
        self.errors.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *failure):
        """The same beside a running event loop, whose sockets can then say goodbye."""
        await asyncio.to_thread(self.__exit__, *failure)


def until(condition, what, patience=PATIENCE):
    """Looks again and again until `condition` answers something true, and returns that."""
    deadline = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Failure(f"after {patience} s still not: {what}")
        time.sleep(0.01)

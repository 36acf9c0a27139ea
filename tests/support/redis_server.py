# SPDX-License-Identifier: MIT
"""A redis-server of the test's own: on a free port, in a temporary folder, gone afterwards."""
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def need_redis():
    """Ends a test that cannot be run here, as tests/run.sh has it."""
    if not shutil.which("redis-server"):
        print("redis-server is not installed (make deps)")
        sys.exit(77)


class Redis:
    """
    redis-server with `options`, such as requirepass="secret". Within the with block, `command` asks it anything;
    `stop` and `start` restart it on the same port, `send` signals it.
    """

    def __init__(self, port=None, **options):
        self.port = port or free_port()
        self.options = options
        self.folder = tempfile.TemporaryDirectory(prefix="swale-redis-")
        self.process = None

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def start(self):
        settings = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder.name, "save": "",
                    "appendonly": "no", "loglevel": "warning", **self.options}
        command = ["redis-server"]
        for name, value in settings.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"redis-server does not start: {self.process.communicate()[0].decode()}")
            time.sleep(0.01)
        return self

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                s.sendall(b"PING\r\n")
                return s.recv(64) != b""
        except OSError:
            return False

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        try:
            self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def command(self, *words):
        """What redis-cli prints, as lines."""
        password = ["-a", self.options["requirepass"], "--no-auth-warning"] if "requirepass" in self.options else []
        done = subprocess.run(["redis-cli", "-p", str(self.port), *password, *map(str, words)], capture_output=True,
                              text=True, errors="replace", timeout=PATIENCE, check=True)
        return done.stdout.splitlines()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.folder.cleanup()
            raise

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.stop()
        self.folder.cleanup()

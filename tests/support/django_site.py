# SPDX-License-Identifier: MIT
"""The Django project of examples/django-edge as a process, on a free port, gone afterwards."""
import http.cookiejar
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from support.program import ROOT
from support.redis_server import free_port

PATIENCE = 30
LAYERS = {"core": "channels_redis.core.RedisChannelLayer", "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer"}
# Django's own server, which the README starts and which knows no WebSockets; and Daphne.
RUNSERVER = ["manage.py", "runserver", "--noreload", "127.0.0.1:{port}"]
DAPHNE = ["-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "board.asgi:application"]


class Site:
    """
    The site under one of these servers, sharing a layer in `redis`; its page's WebSocket is at `edge`, where {port} stands
    for the site's own. Within the with block `page` is the page as a browser got it first, and `pin` sends a note.
    """

    def __init__(self, redis, edge, mode="pubsub", server=DAPHNE, port=None):
        self.port = port or free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.url = self.origin + "/"
        command = ["/usr/bin/python3", "-B", *(word.format(port=self.port) for word in server)]
        settings = {"REDIS": redis.url, "CHANNEL_LAYER": LAYERS[mode], "EDGE": edge.format(port=self.port)}
        self.process = subprocess.Popen(command, cwd=ROOT / "examples/django-edge", stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={**os.environ, **settings, "PYTHONDONTWRITEBYTECODE": "1"})
        self.cookies = http.cookiejar.CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def __enter__(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.page = self.browser.open(self.url, timeout=PATIENCE).read().decode()
                return self
            except urllib.error.URLError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise AssertionError(f"the site does not answer ({error}): {self.output}") from error
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.output = self.process.communicate(timeout=PATIENCE)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.output = self.process.communicate()[0].decode(errors="replace")

    def pin(self, text):
        token = next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")
        body = urllib.parse.urlencode({"text": text, "csrfmiddlewaretoken": token}).encode()
        return self.browser.open(self.url + "notes/", body, timeout=PATIENCE).status

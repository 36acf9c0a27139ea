# SPDX-License-Identifier: MIT
"""
examples/django-edge in a real browser: Django serves the page and its form, the swale program the page's WebSocket, and
they meet in Redis.
"""
import signal
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import partner, redis_server  # noqa: E402
from support.browser import Browser, Page  # noqa: E402
from support.django_site import DAPHNE, RUNSERVER, Site  # noqa: E402
from support.program import PATIENCE, Program, until  # noqa: E402
from support.redis_server import Redis, free_port  # noqa: E402

redis_server.need_redis()
partner.need_channels()


class Board(Page):
    """The page of the example."""

    def notes(self):
        """What is pinned, newest first."""
        return self.run("return Array.from(document.querySelectorAll('#notes li'), note => note.textContent)")

    def pin(self, text):
        self.element("form").find_element("name", "text").send_keys(text)
        self.element("form").find_element("css selector", "button").click()

    def wait_for_connection(self):
        until(lambda: self.text("state") == "connected", "the page is connected")

    def wait_for_notes(self, *notes):
        until(lambda: self.notes() == list(notes), f"the page shows {notes}")


class DjangoEdge(unittest.TestCase):
    def setUp(self):
        self.redis = self.enterContext(Redis())
        port = free_port()
        self.edge = self.enterContext(self.start_edge(port))
        self.site = self.enterContext(Site(self.redis, self.edge.url + "/", server=RUNSERVER, port=port))
        self.browser = self.enterContext(Browser())

    def start_edge(self, site_port, port=0):
        return Program("django-edge", PORT=port, SWALE_LAYER=f"{self.redis.url}/0?mode=pubsub",
                       ORIGIN=f"http://127.0.0.1:{site_port}")

    def open(self, site):
        page = Board(self.browser, site.url)
        page.wait_for_connection()
        return page

    def test_a_note_pinned_in_one_window_is_seen_in_all(self):
        windows = [self.open(self.site) for _ in range(2)]
        windows[0].pin("first")
        for window in windows:
            window.wait_for_notes("first")
        windows[1].pin("<b>and</b> 두 번째")
        for window in windows:
            window.wait_for_notes("<b>and</b> 두 번째", "first")
        self.assertEqual([], self.browser.console())

    def test_what_a_view_sends_on_its_own_is_seen_too(self):
        window = self.open(self.site)
        self.assertEqual(204, self.site.pin("from somewhere else"))
        window.wait_for_notes("from somewhere else")

    def test_windows_at_daphne_and_at_the_edge_are_one_board(self):
        with Site(self.redis, "ws://127.0.0.1:{port}/ws/board/", server=DAPHNE) as daphne:
            windows = [self.open(self.site), self.open(daphne)]
            for i, pinning in enumerate(windows):
                pinning.pin(f"note {i}")
                for window in windows:
                    until(lambda window=window: window.notes()[:1] == [f"note {i}"], "both show it")
            self.assertEqual([], self.browser.console())

    def test_a_window_survives_a_restart_of_the_edge(self):
        window = self.open(self.site)
        self.edge.stop()
        until(lambda: window.text("state") == "not connected", "the page notices")
        with self.start_edge(self.site.port, self.edge.port):
            window.wait_for_connection()
            window.pin("back again")
            window.wait_for_notes("back again")

    def test_a_window_hears_again_after_a_restart_of_redis(self):
        window = self.open(self.site)
        self.redis.stop()
        self.redis.start()

        def heard():
            self.site.pin("anybody?")
            return window.notes()

        until(heard, "the layer is up again, and the page shows a note")
        self.assertEqual("connected", window.text("state"))
        self.edge.send(signal.SIGTERM)
        self.assertEqual(0, self.edge.process.wait(PATIENCE))
        self.assertIn("Redis: ", self.edge.stderr())  # it said so when Redis was gone


if __name__ == "__main__":
    unittest.main(verbosity=2)

# SPDX-License-Identifier: MIT
"""
The notifications page in a real browser: two pages hear each other, survive a restart of the server, and write
nothing to the console. Leaves screenshots in the build folder.
"""
import os
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import http  # noqa: E402
from support.browser import Browser, Page  # noqa: E402
from support.program import BUILD, Program, until  # noqa: E402

LONG = ("A much longer notification, which does not fit on one line of a telephone, nor on two of them. "
        "https://example.com/" + "long" * 20)
DEFAULT = "새로운 알림이 도착했습니다."
SCREENSHOTS = BUILD / "browser"


class Window(Page):
    """The page of the example."""

    def messages(self):
        """What the list shows, newest first."""
        return self.run("return Array.from(document.querySelectorAll('#list span'), span => span.textContent)")

    def send(self, text=None):
        if text is not None:
            self.run("document.getElementById('message').value = arguments[0]", text)
        self.element("form").find_element("css selector", "button").click()


class Notifications(unittest.TestCase):
    def setUp(self):
        self.program = self.enterContext(Program("notifications"))
        self.browser = self.enterContext(Browser())
        self.pages = [Window(self.browser, self.program.url) for _ in range(2)]
        self.wait_for_connections()

    def wait_for_connections(self):
        for page in self.pages:
            until(lambda page=page: page.text("state") == "Connected", "the page is connected")
            until(lambda page=page: page.text("count") == "2 browsers connected", "the page counts both")

    def wait_for_message(self, text):
        for page in self.pages:
            until(lambda page=page: page.messages()[:1] == [text], f"the page shows {text!r}")

    def test_what_one_page_sends_all_pages_show(self):
        one, other = self.pages
        self.assertTrue(one.element("empty").is_displayed())
        one.send()
        self.wait_for_message(DEFAULT)
        until(lambda: one.text("outcome") == "Sent to 2 browsers.", "the page says that it was sent")
        self.assertFalse(other.element("empty").is_displayed())
        time = other.run("return document.querySelector('#list time').dateTime")
        self.assertRegex(time, r"^\d{4}-\d\d-\d\dT\d\d:\d\d")
        other.send("and back again")
        self.wait_for_message("and back again")
        self.assertEqual([["and back again", DEFAULT]] * 2, [page.messages() for page in self.pages])
        self.assertEqual([], self.browser.console())

    def test_long_notifications_come_compressed(self):
        if os.environ.get("SWALE_DEFLATE") == "0":
            self.skipTest("built without compression")
        extensions = self.pages[0].run_async("""
            const done = arguments[0], socket = new WebSocket(`ws://${location.host}/ws/notifications/`);
            socket.onopen = () => { done(socket.extensions); socket.close(); };
            socket.onerror = () => done("the connection failed");""")
        self.assertEqual("permessage-deflate; server_no_context_takeover; client_no_context_takeover", extensions)
        text = "The same notification, again. " * 30
        http.post_json(self.program.url, {"message": text})
        self.wait_for_message(text)
        self.assertEqual([], self.browser.console())

    def test_messages_are_text_and_never_markup(self):
        text = "<img src=x onerror='document.title = 1'><script>document.title = 'x'</script> & \"quotes\" \u202e"
        http.post_json(self.program.url, {"message": text})
        self.wait_for_message(text)
        self.assertEqual("Notifications", self.pages[1].run("return document.title"))
        self.assertEqual([], self.browser.console())

    def test_what_cannot_be_sent_is_explained(self):
        one, other = self.pages
        one.run("document.getElementById('message').removeAttribute('maxlength')")
        one.send("x" * 70000)
        until(lambda: one.text("outcome") == "Not sent: the body is larger than 64 KiB", "the page says why")
        self.assertEqual([], other.messages())
        console = self.browser.console()  # browsers note every refusal themselves
        self.assertTrue(all("413" in message for message in console), console)

    def test_pages_survive_a_restart_of_the_server(self):
        one, other = self.pages
        one.send("before")
        self.wait_for_message("before")
        self.assertEqual([], self.browser.console())
        self.program.stop()
        for page in self.pages:
            until(lambda page=page: page.text("state") != "Connected", "the page notices")
            self.assertEqual("", page.text("count"))
        one.send("into the void")
        until(lambda: "cannot be reached" in one.text("outcome"), "the page says that nothing was sent")
        with Program("notifications", PORT=self.program.port) as restarted:
            self.wait_for_connections()
            other.send("after")
            self.wait_for_message("after")
            self.assertEqual(["after", "before"], one.messages())
            restarted.stop()
        refused = [message for message in self.browser.console() if "ERR_CONNECTION_REFUSED" not in message]
        self.assertEqual([], refused)

    def test_it_can_be_looked_at(self):
        one = self.pages[0]
        for text in ["A first one.", LONG, DEFAULT]:
            one.send(text)
            self.wait_for_message(text)
        one.run("scrollTo(0, 0)")
        for name, settings in {"light": {}, "dark": {"scheme": "dark"}, "phone": {"phone": True},
                               "phone-dark": {"scheme": "dark", "phone": True}}.items():
            self.browser.screenshot(SCREENSHOTS / f"{name}.png", **settings)
            fits = one.run("return document.documentElement.scrollWidth <= innerWidth")
            self.assertTrue(fits, f"{name} scrolls sideways")
        self.program.stop()
        until(lambda: one.element("retry").is_displayed(), "the page offers to try again")
        self.browser.screenshot(SCREENSHOTS / "disconnected.png")


if __name__ == "__main__":
    unittest.main()

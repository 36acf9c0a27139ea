# SPDX-License-Identifier: MIT
"""Headless Chromium, driven by Debian's python3-selenium."""
import os
import shutil
import sys
import tempfile

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    print("python3-selenium is not installed (make deps-browser)")
    sys.exit(77)

if not shutil.which("chromium") or not shutil.which("chromedriver"):
    print("chromium or chromium-driver is not installed (make deps-browser)")
    sys.exit(77)

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]


class Browser:
    """A Chromium with a profile of its own, both gone with the with block."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in [*FLAGS, f"--user-data-dir={self.profile.name}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = Service(shutil.which("chromedriver"), log_path=os.devnull)
        self.driver = webdriver.Chrome(service=service, options=options)

    def open(self, url):
        """Opens a page in a tab of its own and returns its handle."""
        self.driver.switch_to.new_window("tab")
        self.driver.get(url)
        return self.driver.current_window_handle

    def console(self):
        """What was written to the console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def screenshot(self, path, scheme="light", phone=False):
        """The tab at the front, without animations."""
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": name, "value": value} for name, value in features.items()]})
        width, height = (360, 740) if phone else (1000, 800)
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone})
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        self.profile.cleanup()


class Page:
    """One tab. Every question brings it to the front."""

    def __init__(self, browser, url):
        self.browser = browser
        self.handle = browser.open(url)

    def run(self, script, *args):
        self.browser.driver.switch_to.window(self.handle)
        return self.browser.driver.execute_script(script, *args)

    def run_async(self, script):
        """What the script calls its last argument with."""
        self.browser.driver.switch_to.window(self.handle)
        return self.browser.driver.execute_async_script(script)

    def element(self, name):
        self.browser.driver.switch_to.window(self.handle)
        return self.browser.driver.find_element("id", name)

    def text(self, name):
        return self.element(name).text

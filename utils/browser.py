# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Opens pages in Debian's Chromium without a window, and tells what they did.

The browser and its driver come from apt (utils/install-deps.sh), Selenium from .venv; nothing is
downloaded when a test runs.
"""

import json
import os
import shutil
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

# Selenium speaks to a driver on this machine: a proxy for the web must not stand between.
os.environ["no_proxy"] = ",".join(filter(None, [os.environ.get("no_proxy"), "localhost"]))

# What a page from disk may ask for: itself, and what it carries or made.
LOCAL = ("file:", "data:", "blob:", "about:")


class Browser:
    """A context: `driver` is Selenium's; downloads land in `folder`."""

    def __init__(self, folder, size=(1360, 860), scale=1):
        self.folder, self.size, self.scale = Path(folder), size, scale

    def __enter__(self):
        programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
        if None in programs:
            raise RuntimeError("chromium and chromium-driver: not found; utils/install-deps.sh")
        options = Options()
        options.binary_location = programs[0]
        for argument in (
            "--headless=new",
            "--no-sandbox",  # the sandbox refuses root, and the pages are our own
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            f"--window-size={self.size[0]},{self.size[1]}",
            f"--force-device-scale-factor={self.scale}",
        ):
            options.add_argument(argument)
        options.add_experimental_option(
            "prefs", {"download.default_directory": str(self.folder.resolve())}
        )
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(programs[1]))
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def open(self, path, fragment=""):
        """Loads a file; what was logged before is forgotten."""
        self.driver.get("about:blank")
        self.drain()
        self.driver.get(Path(path).resolve().as_uri() + fragment)

    def drain(self):
        """(messages of the console, addresses asked for beside LOCAL) since the last call."""
        console = [entry["message"] for entry in self.driver.get_log("browser")]
        addresses = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address = message["params"]["request"]["url"]
                if not address.startswith(LOCAL):
                    addresses.append(address)
        return console, addresses

    def download(self, name, seconds=10):
        """The bytes of a file that the page has been asked to save."""
        path, end = self.folder / name, time.monotonic() + seconds
        while not path.exists():
            if time.monotonic() > end:
                raise RuntimeError(f"{name}: not saved after {seconds} s")
            time.sleep(0.02)
        data = path.read_bytes()
        path.unlink()
        return data

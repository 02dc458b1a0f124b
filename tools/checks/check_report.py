#!/usr/bin/env python3
"""Opens a run's report in headless Chromium and fails on what a reader would trip over.

usage: check_report.py FOLDER [--screenshots FOLDER] [--chromium PATH]

FOLDER holds report.html and report.json. Checked: no message of the browser's console, no request but the file itself,
no horizontal scroll at a phone's width (all parts folded and unfolded), every figure on the page equals report.json, no
markup that came from the data. Needs Chromium and Python's standard library; talks the DevTools protocol over a pipe.
"""

import argparse
import base64
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

WIDTHS = {"phone": 375, "tablet": 768, "desktop": 1280}


class Browser:
    """A headless Chromium with one page; messages are JSON objects ended by a zero byte."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="report-check-")
        to_browser, self.output = os.pipe()
        self.input, from_browser = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                 "--disable-dev-shm-usage", "--disable-background-networking", f"--user-data-dir={self.profile}",
                 "--remote-debugging-pipe", "about:blank"]
        command = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(["bash", "-c", command, program, *flags], pass_fds=(to_browser, from_browser),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.events = []
        self.number = 0
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def receive(self):
        while b"\0" not in self.buffer:
            chunk = os.read(self.input, 1 << 20)
            if not chunk:
                raise RuntimeError("the browser ended")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def open(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            message = self.receive()
            if "method" in message:
                self.events.append(message)

    def resize(self, width, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                  mobile=width < 500)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def screenshot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 12_000), "scale": 1}
        image = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        pathlib.Path(path).write_bytes(base64.b64decode(image["data"]))

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        shutil.rmtree(self.profile, ignore_errors=True)


def text_of(value, kind):
    """Writes a value as the report does, from its description alone."""
    if kind == "text":
        return str(value)
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return "–"
    if kind == "count":
        return f"{value:,.0f}"
    if kind == "percent":
        return f"{value * 100:.2f}%"
    if kind == "decimal":
        return f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 4}f}"
    if kind == "seconds":
        if value < 0.9995:
            return f"{math.floor(value * 1000 + 0.5)} ms"
        if value < 59.95:
            return f"{value:.1f} s"
        whole = math.floor(value + 0.5)
        return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
    for unit, size, digits in (("B", 1, 0), ("KiB", 1 << 10, 1), ("MiB", 1 << 20, 1), ("GiB", 1 << 30, 2)):
        if value < size * 1024 or unit == "GiB":
            return f"{value / size:.{digits}f} {unit}"


def value_at(data, place):
    """`figures.items.value`: lists by number, the list of figures by key."""
    for part in place.split("."):
        if isinstance(data, dict):
            data = data[part]
        elif part.isdigit():
            data = data[int(part)]
        else:
            data = next(entry for entry in data if entry["key"] == part)
    return data


def check_figures(browser, data):
    found = browser.evaluate(
        "[...document.querySelectorAll('[data-figure]')].map(e => [e.dataset.figure, e.dataset.kind, e.textContent])")
    failures = []
    for place, kind, text in found:
        try:
            expected = text_of(value_at(data, place), kind)
        except (KeyError, IndexError, StopIteration):
            expected = "nothing: it is not in report.json"
        if text != expected:
            failures.append(f"{place}: the page says {text!r}, report.json {expected!r}")
    shown = {place for place, _, _ in found}
    missing = [f"figures.{figure['key']}.value" for figure in data["figures"]]
    failures += [f"{place} is in report.json, not on the page" for place in missing if place not in shown]
    print(f"{len(found)} figures on the page compared with report.json")
    return failures


def check_width(browser, name, state):
    width = browser.evaluate("document.documentElement.clientWidth")
    scroll = browser.evaluate("document.documentElement.scrollWidth")
    if scroll <= width:
        return []
    wide = browser.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
        ".slice(0, 3).map(e => e.tagName + '.' + e.className)")
    return [f"{name}, {state}: {scroll} px wide in a window of {width} px ({', '.join(wide)})"]


def check_events(events, url):
    failures = []
    for event in events:
        parameters = event["params"]
        if event["method"] == "Log.entryAdded":
            failures.append("console: " + parameters["entry"]["text"])
        elif event["method"] == "Runtime.consoleAPICalled":
            failures.append("console: " + json.dumps(parameters["args"])[:300])
        elif event["method"] == "Runtime.exceptionThrown":
            failures.append("exception: " + json.dumps(parameters["exceptionDetails"])[:300])
        elif event["method"] == "Network.requestWillBeSent":
            address = parameters["request"]["url"]
            if address != url and not address.startswith("data:"):
                failures.append("request: " + address)
        elif event["method"] == "Page.javascriptDialogOpening":
            failures.append("dialog: " + parameters["message"])
    return failures


def check(browser, folder, screenshots):
    page = folder / "report.html"
    data = json.loads((folder / "report.json").read_text())
    url = page.resolve().as_uri()
    browser.resize(WIDTHS["desktop"])
    browser.open(url)
    failures = check_figures(browser, data)
    if page.stat().st_size > 3_000_000:
        failures.append(f"report.html has {page.stat().st_size} bytes, more than 3 MB")
    if browser.evaluate("document.querySelectorAll('script, iframe, object, embed, [onerror], [onload]').length"):
        failures.append("the page holds a script, a frame or a handler")
    if browser.evaluate("[...document.querySelectorAll('[id]')].some((e, i, all) => all.find(o => o.id === e.id) !== e)"):
        failures.append("an element's id is used twice")
    for state in ("folded", "unfolded"):
        browser.evaluate(f"document.querySelectorAll('details').forEach(e => e.open = {json.dumps(state == 'unfolded')})")
        for name, width in WIDTHS.items():
            browser.resize(width)
            failures += check_width(browser, name, state)
            for theme in ("light", "dark") if screenshots else ():
                browser.resize(width, dark=theme == "dark")
                browser.screenshot(screenshots / f"{name}-{theme}-{state}.png")
    return failures + check_events(browser.events, url)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path, help="a folder for pictures of the page")
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    options = parser.parse_args()
    if not options.chromium:
        sys.exit("no Chromium: install it (apt-get install chromium) or name it with --chromium")
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    browser = Browser(options.chromium)
    try:
        failures = check(browser, options.folder, options.screenshots)
    finally:
        browser.close()
    for failure in failures:
        print("WRONG " + failure)
    print(f"{options.folder / 'report.html'}: {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

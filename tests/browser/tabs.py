"""A tab of Chromium or Firefox, with the few calls that the page's test needs: the same for both.

Playwright drives Chromium. Firefox as it comes speaks WebDriver BiDi: JSON over a WebSocket (w3c.github.io/webdriver-bidi).
Each wait ends after `LIMIT` seconds, with what was seen.
"""
import json
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

LIMIT = 120  # seconds; a busy machine takes its time


class Tab:
    """What both kinds share. `.complaints`: errors of the console, what the server does not have, and requests to
    anywhere but the place of `address`.

    A subclass gives `evaluate(source, argument)`: the value of JavaScript, or of the function that it is;
    `gesture(kind, *paths)`: 'mouse' or 'touch', each path the points of one finger, None before it touches;
    `press(key)`, `choose(selector, file)`, `saved(act) → file`, `close()`.
    """
    def wait(self, source: str, argument=None):
        "Until the JavaScript is true. Raises `AssertionError` with the page's status."
        end = time.monotonic() + LIMIT
        while not self.evaluate(source, argument):
            if time.monotonic() > end:
                status = self.evaluate("document.querySelector('#status')?.textContent")
                raise AssertionError(f"after {LIMIT} s not true: {source}; status {status!r}, {self.complaints}")
            time.sleep(.03)

    def box(self, selector: str, at: float = .5) -> dict:
        "Where an element is in the window, once the height `at` (a share of it) is scrolled to the window's middle."
        return self.evaluate("""([selector, at]) => {
            const node = document.querySelector(selector), {top, height} = node.getBoundingClientRect();
            scrollBy({top: top + at * height - innerHeight / 2, behavior: "instant"});
            return node.getBoundingClientRect().toJSON();
        }""", [selector, at])

    def click(self, selector: str):
        box = self.box(selector)
        self.gesture("mouse", [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)])

    def is_foreign(self, url: str) -> bool:
        parts = urlsplit(self.address)
        return not url.startswith((f"{parts.scheme}://{parts.netloc}/", "blob:", "data:", "file:", "about:"))

    def hear_answer(self, url: str, status: int):
        if status >= 400 and not url.endswith("/favicon.ico"): self.complaints.append(f"{status} for {url}")


class ChromiumTab(Tab):
    def __init__(self, browser, address: str, size=(1200, 1000), scheme="light", phone=False, init=""):
        how = {"is_mobile": True, "device_scale_factor": 2} if phone else {}
        viewport = {"width": size[0], "height": size[1]}
        self.address, self.complaints = address, []
        self.context = browser.new_context(viewport=viewport, has_touch=True, color_scheme=scheme, **how)
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * LIMIT)
        self.page.on("console", lambda text: self.complaints.append(text.text) if text.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("response", lambda answer: self.hear_answer(answer.url, answer.status))
        self.page.route(self.is_foreign, self._refuse)
        if init: self.page.add_init_script(init)
        self.page.goto(address)

    def _refuse(self, route):
        self.complaints.append(f"asked for {route.request.url}")
        route.abort()

    def evaluate(self, source: str, argument=None): return self.page.evaluate(source, argument)

    def gesture(self, kind: str, *paths):
        if kind == "mouse":
            self.page.mouse.move(*paths[0][0])
            self.page.mouse.down()
            for point in paths[0][1:]: self.page.mouse.move(*point)
            return self.page.mouse.up()
        tools, touching = self.context.new_cdp_session(self.page), 0
        for points in zip(*paths):
            there = [{"x": point[0], "y": point[1], "id": i} for i, point in enumerate(points) if point]
            type = "touchStart" if len(there) > touching else "touchMove"  # of fewer: one is lifted
            tools.send("Input.dispatchTouchEvent", {"type": type, "touchPoints": there})
            touching = len(there)
        tools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def press(self, key: str): self.page.keyboard.press(key)

    def choose(self, selector: str, file: Path): self.page.set_input_files(selector, file)

    def saved(self, act) -> Path:
        with self.page.expect_download() as download: act()
        file = Path(tempfile.mkdtemp()) / download.value.suggested_filename
        download.value.save_as(file)
        return file

    def close(self): self.context.close()


RUN = """async (source, argument) => {
    let found = (0, eval)(source);
    if (typeof found === "function") found = found(JSON.parse(argument));
    return JSON.stringify(await found) ?? "null";
}"""
KEYS = {"Control": "\ue009", "ArrowRight": "\ue014", "ArrowDown": "\ue015"}  # as WebDriver numbers them
SCHEMES = {"dark": 0, "light": 1}
UNDO_KEYS = [  # what a key writes, its place, and whether it undoes with Ctrl, for the page and the widget
    ("z", "KeyZ", True),
    ("Z", "KeyZ", True),   # Caps Lock
    ("я", "KeyZ", True),   # another alphabet
    ("z", "KeyY", True),   # a German keyboard: its z is where others have y
    ("y", "KeyZ", False),  # and the other way round
    (";", "KeyZ", False),  # Dvorak
]


class Firefox:
    "A headless Firefox with a profile of its own. Raises `AssertionError` where it does not start or answer."
    def __init__(self, path: str, scheme: str = "light"):
        import websocket  # comes with JupyterLab
        self.path, self.scheme = path, scheme
        self.folder, self.numbers, self.tabs, self.others = Path(tempfile.mkdtemp()), 0, {}, {}
        self.downloads = self.folder / "downloads"
        (self.folder / "profile").mkdir(), self.downloads.mkdir()
        settings = {
            "layout.css.prefers-color-scheme.content-override": SCHEMES[scheme], "dom.w3c_touch_events.enabled": 1,
            "browser.download.folderList": 2, "browser.download.dir": str(self.downloads),
            "browser.download.alwaysOpenPanel": False,
        }
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in settings.items()]
        (self.folder / "profile/user.js").write_text("\n".join(lines))
        command = [path, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", self.folder / "profile"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stderr], daemon=True).start()
        try:
            self.socket = websocket.create_connection(
                self._address() + "/session", timeout=LIMIT, suppress_origin=True, enable_multithread=False)
            self.send("session.new", capabilities={})
            self.send("session.subscribe", events=[
                "log.entryAdded", "network.beforeRequestSent", "network.responseCompleted"])
        except BaseException:
            self.close()
            raise

    def _address(self) -> str:
        end, said = time.monotonic() + LIMIT, []
        while time.monotonic() < end and self.process.poll() is None:
            try: said.append(self.lines.get(timeout=1))
            except queue.Empty: continue
            if "BiDi listening on " in said[-1]: return said[-1].split()[-1]
        raise AssertionError(f"Firefox did not start: {''.join(said)[-2000:]}")

    def send(self, method: str, **params) -> dict:
        "A command's result; what else arrives meanwhile goes to its tab."
        self.numbers += 1
        self.socket.send(json.dumps({"id": self.numbers, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())  # raises WebSocketTimeoutException
            if message.get("id") == self.numbers: break
            if message["type"] == "event": self._hear(message["method"], message["params"])
        if message["type"] == "error": raise AssertionError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    def _hear(self, event: str, what: dict):
        tab = self.tabs.get(what.get("context") or what.get("source", {}).get("context"))
        if not tab: return
        if event == "log.entryAdded" and what["level"] == "error": tab.complaints.append(what["text"])
        if event == "network.beforeRequestSent" and tab.is_foreign(url := what["request"]["url"]):
            tab.complaints.append(f"asked for {url}")
        if event == "network.responseCompleted": tab.hear_answer(what["request"]["url"], what["response"]["status"])

    def of_scheme(self, scheme: str):
        "This Firefox, or another one: BiDi cannot change the colour scheme."
        if scheme == self.scheme: return self
        if scheme not in self.others: self.others[scheme] = Firefox(self.path, scheme)
        return self.others[scheme]

    def close(self):
        for other in self.others.values(): other.close()
        self.process.kill()
        self.process.wait(LIMIT)
        shutil.rmtree(self.folder, ignore_errors=True)


class FirefoxTab(Tab):
    def __init__(self, browser: Firefox, address: str, size=(1200, 1000), scheme="light", phone=False, init=""):
        self.browser, self.address, self.complaints = browser.of_scheme(scheme), address, []
        self.id = self.browser.send("browsingContext.create", type="window")["context"]
        self.browser.tabs[self.id] = self
        width, height = size
        self.send("browsingContext.setViewport", viewport={"width": width, "height": height},
                  devicePixelRatio=2 if phone else 1)
        if init:
            self.browser.send("script.addPreloadScript", functionDeclaration=f"() => {{ {init} }}", contexts=[self.id])
        self.send("browsingContext.navigate", url=address, wait="complete")

    def send(self, method: str, **params) -> dict: return self.browser.send(method, context=self.id, **params)

    def evaluate(self, source: str, argument=None):
        texts = [{"type": "string", "value": text} for text in (source, json.dumps(argument))]
        found = self.browser.send("script.callFunction", functionDeclaration=RUN, arguments=texts, awaitPromise=True,
                                  target={"context": self.id}, userActivation=True)
        if found["type"] == "exception": raise AssertionError(f"{source}: {found['exceptionDetails']['text']}")
        return json.loads(found["result"]["value"])

    def gesture(self, kind: str, *paths):
        self._act(*(
            {"type": "pointer", "id": f"{kind} {i}", "parameters": {"pointerType": kind}, "actions": list(_steps(path))}
            for i, path in enumerate(paths)
        ))

    def press(self, key: str):
        names = key.split("+") if len(key) > 1 else [key]
        codes = [KEYS.get(name, name) for name in names]
        down, up = ([{"type": f"key{way}", "value": code} for code in codes] for way in ("Down", "Up"))
        self._act({"type": "key", "id": "keys", "actions": [*down, *reversed(up)]})

    def _act(self, *sources): self.send("input.performActions", actions=list(sources))

    def choose(self, selector: str, file: Path):
        found = self.browser.send("script.evaluate", expression=f"document.querySelector({json.dumps(selector)})",
                                  awaitPromise=False, target={"context": self.id})
        self.send("input.setFiles", element={"sharedId": found["result"]["sharedId"]}, files=[str(file)])

    def saved(self, act) -> Path:
        folder, end = self.browser.downloads, time.monotonic() + LIMIT
        before = set(folder.iterdir())
        act()
        while time.monotonic() < end:  # a file is empty, with a .part beside it, until it is whole
            new = set(folder.iterdir()) - before
            if new and all(file.suffix != ".part" and file.stat().st_size for file in new): return new.pop()
            time.sleep(.05)
        raise AssertionError(f"after {LIMIT} s nothing was saved; the folder has {sorted(folder.iterdir())}")

    def close(self):
        self.send("browsingContext.close")
        del self.browser.tabs[self.id]


def _steps(path):
    "Two for each point, so that several fingers keep in step: move there, then go down at the first. None: in the air."
    pause, down, up = {"type": "pause", "duration": 0}, *({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
    touches = False
    for point in path:
        if point is None: yield from (up if touches else pause, pause)
        else:
            yield {"type": "pointerMove", "x": round(point[0]), "y": round(point[1])}
            yield pause if touches else down
        touches = point is not None
    if touches: yield up

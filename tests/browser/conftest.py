"""A real JupyterLab on a copy of the lessons, and headless browsers to open them in: `make test-browser`."""
import faulthandler
import functools
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from find_browser import NO_FIREFOX, find_browser, find_firefox
from lab import TOKEN
from tabs import ChromiumTab, Firefox, FirefoxTab

LONGEST = 1200  # seconds of a test with all that it waits for; each wait has a shorter limit of its own
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-renderer-backgrounding",
         "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows"]


def pytest_collection_modifyitems(config, items):
    "These take many minutes: they run when they are asked for, and not as part of a bare `pytest`."
    if any("browser" in str(argument) for argument in config.invocation_params.args): return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="run by `make test-browser`"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    "A browser that no longer answers must not hold up everything after it: show where it stands, and end."
    faulthandler.dump_traceback_later(LONGEST, exit=True, file=sys.__stderr__)
    try: return (yield)
    finally: faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session")
def chromium():
    "A started browser; the pages of tests belong to it."
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        path = find_browser(playwright)
        if not path: pytest.fail("no Chromium was found: apt-get install chromium, or playwright install chromium")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def firefox():
    path = find_firefox()
    if not path: pytest.skip(NO_FIREFOX)
    browser = Firefox(path)
    yield browser
    browser.close()


@pytest.fixture(scope="session", params=["chromium", "firefox"])
def tab(request):
    "Opens an address in a tab of each browser: `tab(address, …)`, see tabs.py."
    kinds = {"chromium": ChromiumTab, "firefox": FirefoxTab}
    return functools.partial(kinds[request.param], request.getfixturevalue(request.param))


@pytest.fixture(scope="session")
def nbs(tmp_path_factory) -> Path:
    "A copy of the lessons, so that no output is written into the repository."
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "nbs", folder / "nbs", ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    for what in ("data_samples", "docs"): shutil.copytree(ROOT / what, folder / what)  # lessons show files of both
    return folder / "nbs"


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="session")
def jupyter(nbs):
    "The address of a JupyterLab of its own, that neither reads nor writes the settings of whoever runs the tests."
    port, home = _free_port(), nbs.parent
    _write_settings(home / "lab_settings_dir")
    places = {
        f"JUPYTER{name}": str(home / name.lower())
        for name in ("_CONFIG_DIR", "_DATA_DIR", "_RUNTIME_DIR", "LAB_SETTINGS_DIR", "LAB_WORKSPACES_DIR")
    }
    command = [
        sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        f"--ServerApp.root_dir={nbs.parent}", "--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True",
    ]
    with open(home / "lab.log", "w") as log:
        server = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={
                "OMP_NUM_THREADS": "1",
                **os.environ,
                **places,
                "IPYTHONDIR": str(home / "ipython"),
                "JUPYTER_TOKEN": TOKEN,
            },
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/api?token={TOKEN}", server, home / "lab.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


# a question over the page
SETTINGS = {"@jupyterlab/apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
            # a saved notebook keeps what its widgets show
            "@jupyter-widgets/jupyterlab-manager/plugin": '{"saveState": true}'}


def _write_settings(folder: Path):
    for name, text in SETTINGS.items():
        file = folder / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(text)


def _wait_for(address: str, server, log: Path, seconds: int = 90):
    for _ in range(seconds * 2):
        if server.poll() is not None: break
        try: return urllib.request.urlopen(address).read()
        except OSError: time.sleep(.5)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")

"""Where browsers are: a Chromium (Debian's, Chrome's, or the one that playwright installs), and a Firefox."""
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

MAC_FIREFOX = "/Applications/Firefox.app/Contents/MacOS/firefox"
NO_FIREFOX = "no Firefox was found (apt-get install firefox-esr)"


def find_browser(playwright) -> str | None:
    "Path of a browser that a started `playwright` can drive, or None."
    found = [shutil.which(name) for name in NAMES] + [MAC, playwright.chromium.executable_path]
    return next((path for path in found if path and Path(path).exists()), None)


def find_firefox() -> str | None:
    "Path of a Firefox that starts (Ubuntu's `firefox` may only tell how to get one), or None."
    for path in (shutil.which("firefox-esr"), shutil.which("firefox"), MAC_FIREFOX):
        if not path or not Path(path).exists(): continue
        try: said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60).stdout
        except (OSError, subprocess.TimeoutExpired): continue
        if "Firefox" in said: return path
    return None


def missing() -> str:
    "Why no browser test can run here; empty when it can."
    try: from playwright.sync_api import sync_playwright
    except ImportError: return "playwright is not installed (pip install 'pconv_edu[browser]')"
    with sync_playwright() as playwright:
        return (
            ""
            if find_browser(playwright)
            else "no Chromium was found (apt-get install chromium, or playwright install chromium)"
        )


if __name__ == "__main__":
    reason = missing()
    print(reason or "a browser was found")
    sys.exit(bool(reason))

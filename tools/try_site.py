"""Open every page of the built site in a real browser, as wide as a desk and as a phone, and search: `make
docs-browser`.

A page fails when it asks another server for something, misses a file, writes an error to the console, is wider than
the screen, or
shows maths as text. Pictures of some pages go to the folder given as argument.
"""
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from find_browser import find_browser
from playwright.sync_api import Page, sync_playwright

SITE = Path(__file__).resolve().parents[1] / "_site"
LOOKS = [(1280, 900, "light"), (390, 844, "dark")]
PICTURED = [
    "index.html", "lessons/04_partial_conv.html", "lessons/10_total_loss.html", "reference/partial_conv.html",
    "reference/index.html", "glossary.html", "paper_map.html", "running.html",
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_): pass


def serve(folder: Path) -> str:
    "Serve a folder to this machine alone; returns its address."
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def watch(page: Page, base: str) -> list[str]:
    "Notes what goes wrong on a page from now on."
    wrong = []
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((base, "data:", "blob:")) else wrong.append(f"asks for {request.url}")
        ),
    )
    page.on(
        "response",
        lambda response: (
            wrong.append(f"{response.status} for {response.url}")
            if response.status >= 400 and "favicon" not in response.url
            else None
        ),
    )
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on(
        "console",
        lambda line: wrong.append(f"console: {line.text}") if line.type == "error" and "404" not in line.text else None,
    )
    return wrong


def look(page: Page) -> list[str]:
    "What is wrong with the page as it stands."
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    maths, drawn, bad = (page.locator(css).count() for css in (".math", ".math mjx-container", "mjx-merror"))
    return (
        ([f"{over} px wider than the screen"] if over > 0 else [])
        + ([f"{bad} formulas that MathJax cannot read"] if bad else [])
        + ([f"{maths} formulas, {drawn} drawn"] if drawn < maths else [])
    )


def search(page: Page, base: str, words: str) -> list[str]:
    "The pages that the site's search finds, as addresses."
    page.goto(base + "index.html")
    page.locator("input[name=q]").first.fill(words)
    page.locator("input[name=q]").first.press("Enter")
    page.wait_for_selector("ul.search li a")
    page.wait_for_function(
        "document.querySelector('#search-results .search-summary')?.textContent.match(/found|matching/)"
    )
    return [link.get_attribute("href") for link in page.locator("ul.search li > a").all()]


def main(pictures: Path | None) -> int:
    base, failed = serve(SITE), 0
    pages = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "page/" not in path.as_posix())
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(play), args=["--no-sandbox"])
        for width, height, scheme in LOOKS:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            for name in pages:
                page = context.new_page()
                wrong = watch(page, base)
                page.goto(base + name, wait_until="networkidle")
                wrong += look(page)
                for line in wrong: print(f"site: {name} at {width} px, {scheme}: {line}")
                failed += bool(wrong)
                if pictures and name in PICTURED:
                    page.screenshot(path=pictures / f"{name.replace('/', '_')}_{width}_{scheme}.png")
                page.close()
        found = search(browser.new_page(), base, "Gram matrix")
        browser.close()
    print(f"site: a search for 'Gram matrix' finds {len(found)} pages, first {found[:3]}")
    failed += not any("08_style_loss" in link for link in found)
    print(f"site: {len(pages)} pages at {len(LOOKS)} widths, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder: folder.mkdir(parents=True, exist_ok=True)
    sys.exit(main(folder))

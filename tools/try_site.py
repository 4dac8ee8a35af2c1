"""Open every page of the built site in Chromium and Firefox, as wide as a desktop and as a phone, and search: `make
docs-browser`.

A page fails when it asks another server for something, misses a file, writes an error to the console, is wider than
the screen, shows maths as text, has text too faint to read (WCAG's AA), or has a control that changes no picture.
Light at a desk's width, dark at a phone's. Sizes and words of pictures, and the weight of each page, are checked when
the site is built (tools/check_site.py).
"""
import argparse
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/browser"))
from contrast import too_faint
from find_browser import NO_FIREFOX, find_browser, find_firefox
from playwright.sync_api import Page, sync_playwright
from tabs import ChromiumTab, Firefox, FirefoxTab, Tab

SITE = Path(__file__).resolve().parents[1] / "_site"
LOOKS = [(1280, 900, "light"), (390, 844, "dark")]
PICTURED = [
    "index.html", "explore.html",
    "lessons/04_partial_conv.html", "lessons/10_total_loss.html", "reference/partial_conv.html",
    "reference/index.html", "glossary.html", "paper_map.html", "running.html",
]


# Every control of the players and things to touch, moved through its settings: those that change nothing.
# A control may count only at some setting of another one, so the others are put to their ends as well. A brush changes
# nothing until somebody paints; a deep layer's kernel nothing where the hole is already closed.
MOVE = """async () => {
    const idle = [];
    const settings = (input) => input.type === "checkbox" ? [false, true]
        : input.tagName === "SELECT" ? [...input.options].map((_, i) => i)
        : Array.from({ length: Math.round((input.max - input.min) / (input.step || 1)) + 1 },
            (_, i) => Number(input.min) + i * (input.step || 1));
    const key = (input) => input.type === "checkbox" ? "checked"
        : input.tagName === "SELECT" ? "selectedIndex" : "value";
    const read = (input) => input[key(input)];
    const set = (input, value) => {
        input[key(input)] = value;
        for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
    };
    const state = (box) => box.matches(".player") ? box.querySelector("img").src : box.style.cssText
        + [...box.querySelectorAll("canvas")].map((canvas) => canvas.toDataURL()).join()
        + [...box.querySelectorAll(".explore-bars, .explore-sum, figcaption, .player-note")]
            .map((part) => part.innerHTML).join();
    for (const box of document.querySelectorAll(".player, [data-explore]")) {
        const inputs = [...box.querySelectorAll("input, select")]
            .filter((input) => !/brush|layer [3-8]/.test(input.getAttribute("aria-label")));
        if (box.matches(".player") && !inputs.length) idle.push("a player without controls");
        for (const input of inputs) {
            const name = input.getAttribute("aria-label") ?? input.closest("label")?.textContent ?? "control";
            const moves = () => {
                const before = read(input), seen = new Set();
                for (const value of settings(input)) {
                    set(input, value);
                    seen.add(state(box));
                    if (seen.size > 1) break;
                }
                set(input, before);
                return seen.size > 1;
            };
            let moved = moves();
            for (const other of inputs) {
                if (moved || other === input) continue;
                const before = read(other), all = settings(other);
                for (const end of [all.at(-1), all[0]]) { set(other, end); moved ||= moves(); }
                set(other, before);
            }
            if (!moved) idle.push(`moving “${name}” changes nothing`);
        }
    }
    const late = (seconds) => new Promise((_, fail) => setTimeout(fail, 1000 * seconds));
    for (const box of document.querySelectorAll(".player")) {
        const about = JSON.parse(box.querySelector("script").textContent);
        for (const frame of new Set(about.frames)) {
            const picture = Object.assign(new Image(), { src: `${about.at}/${frame}` });
            await Promise.race([picture.decode(), late(30)]).catch(() => idle.push(`no picture at ${picture.src}`));
        }
    }
    return idle;
}"""


READY = """[...document.querySelectorAll("[data-explore=loss]")].every(box => box.querySelector("canvas"))
    && document.querySelectorAll(".math mjx-container").length >= document.querySelectorAll(".math").length"""
LAID_OUT = """() => {
    const count = css => document.querySelectorAll(css).length, {scrollWidth, clientWidth} = document.documentElement;
    const wrong = [];
    if (scrollWidth > clientWidth) wrong.push(`${scrollWidth - clientWidth} px wider than the screen`);
    if (count("mjx-merror")) wrong.push(`${count("mjx-merror")} formulas that MathJax cannot read`);
    return wrong;
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_): pass


def serve(folder: Path) -> str:
    "Serve a folder to this machine alone; returns its address."
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def look(tab: Tab) -> list[str]:
    "What is wrong with a page, once it is all there and every control was moved."
    try: tab.wait(READY)
    except AssertionError as error: return [f"something to touch or a formula is not drawn: {error}"]
    faint = [f"“{text}” has a contrast of {ratio}, below 4.5" for text, ratio in dict(too_faint(tab)).items()]
    return tab.evaluate(LAID_OUT) + faint + tab.evaluate(MOVE) + tab.complaints


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


def look_at_all(open_tab, browser: str, pages: list[str], base: str, pictures: Path | None) -> int:
    "The number of pages at some width with something wrong; what it is, is printed."
    failed = 0
    for width, height, scheme in LOOKS:
        for name in pages:
            tab = open_tab(base + name, size=(width, height), scheme=scheme)
            wrong = look(tab)
            for line in wrong: print(f"site: {name} in {browser} at {width} px, {scheme}: {line}", flush=True)
            failed += bool(wrong)
            if pictures and name in PICTURED and browser == "Chromium":
                tab.page.screenshot(path=pictures / f"{name.replace('/', '_')}_{width}_{scheme}.png")
            tab.close()
    return failed


def main(pictures: Path | None, parts: list[str]) -> int:
    base, failed = serve(SITE), 0
    pages = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "page/" not in path.as_posix())
    pages = [name for name in pages if not parts or any(part in name for part in parts)]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(play), args=["--no-sandbox"])
        failed += look_at_all(partial(ChromiumTab, browser), "Chromium", pages, base, pictures)
        found = [] if parts else search(browser.new_page(), base, "Gram matrix")
        browser.close()
    browsers = ["Chromium"]
    if path := find_firefox():
        browser = Firefox(path)
        try: failed += look_at_all(partial(FirefoxTab, browser), "Firefox", pages, base, None)
        finally: browser.close()
        browsers.append("Firefox")
    else: print(f"site: not tried in Firefox: {NO_FIREFOX}")
    if not parts:
        print(f"site: a search for 'Gram matrix' finds {len(found)} pages, first {found[:3]}")
        failed += not any("08_style_loss" in link for link in found)
    print(f"site: {len(pages)} pages at {len(LOOKS)} widths in {' and '.join(browsers)}, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("pictures", nargs="?", type=Path, help="a folder for pictures of some pages")
    parser.add_argument("--pages", nargs="+", default=[], help="only those whose name has one of these parts")
    args = parser.parse_args()
    if args.pictures: args.pictures.mkdir(parents=True, exist_ok=True)
    sys.exit(main(args.pictures, args.pages))

"""Open every page of the built site in a real browser, as wide as a desk and as a phone, and search: `make
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
from find_browser import find_browser
from playwright.sync_api import Page, sync_playwright

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
    const pictures = [...document.querySelectorAll(".player img")];
    const late = (seconds) => new Promise((_, fail) => setTimeout(fail, 1000 * seconds));
    for (const picture of pictures) {
        picture.loading = "eager";  // one that is out of sight would never load
        await Promise.race([picture.decode(), late(30)]).catch(() => idle.push(`no picture at ${picture.src}`));
    }
    return idle;
}"""


READY = "() => [...document.querySelectorAll('[data-explore=loss]')].every((box) => box.querySelector('canvas'))"


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


def faint(page: Page) -> list[str]:
    return [f"“{text}” has a contrast of {ratio}, below 4.5" for text, ratio in dict(too_faint(page)).items()]


def main(pictures: Path | None, parts: list[str]) -> int:
    base, failed = serve(SITE), 0
    pages = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "page/" not in path.as_posix())
    pages = [name for name in pages if not parts or any(part in name for part in parts)]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find_browser(play), args=["--no-sandbox"])
        for width, height, scheme in LOOKS:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            for name in pages:
                page = context.new_page()
                wrong = watch(page, base)
                page.goto(base + name, wait_until="networkidle")
                page.wait_for_function(READY, timeout=60_000)
                wrong += look(page) + faint(page) + page.evaluate(MOVE)
                for line in wrong: print(f"site: {name} at {width} px, {scheme}: {line}")
                failed += bool(wrong)
                if pictures and name in PICTURED:
                    page.screenshot(path=pictures / f"{name.replace('/', '_')}_{width}_{scheme}.png")
                page.close()
        found = [] if parts else search(browser.new_page(), base, "Gram matrix")
        browser.close()
    if not parts:
        print(f"site: a search for 'Gram matrix' finds {len(found)} pages, first {found[:3]}")
        failed += not any("08_style_loss" in link for link in found)
    print(f"site: {len(pages)} pages at {len(LOOKS)} widths, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="?", type=Path, help="a folder for pictures of some pages")
    parser.add_argument("--pages", nargs="+", default=[], help="only those whose name has one of these parts")
    args = parser.parse_args()
    if args.pictures: args.pictures.mkdir(parents=True, exist_ok=True)
    sys.exit(main(args.pictures, args.pages))

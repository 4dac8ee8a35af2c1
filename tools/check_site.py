"""Does every link inside a built site lead somewhere, does it load nothing from elsewhere, has every picture its size
and its words, and is every page light enough?

`python tools/check_site.py _site`
"""
import json
import re
import sys
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from PIL import Image

MOST_BYTES = 2_500_000  # of a page: its HTML, its pictures and its players' frames; not what all pages share
LOADS = {
    ("script", "src"),
    ("link", "href"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("video", "src"),
    ("audio", "src"),
}


class Page(HTMLParser):
    "`.links`: (tag, attribute, target) of a page; `.ids`: what a link's # may name."

    def __init__(self, text: str):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (tag, name) == ("a", "name"): self.ids.add(value)
            if (
                name in ("href", "src")
                and value
                and not (tag == "link" and dict(attributes).get("rel") in ("canonical", "author"))
            ):
                self.links.append((tag, name, value))


def problem(site: Path, page: Path, link: tuple[str, str, str], pages: dict[Path, Page]) -> str | None:
    "What is wrong with one link, or None."
    tag, attribute, target = link
    url = urlsplit(target)
    if url.scheme == "data" or url.scheme == "mailto": return None
    if url.scheme or url.netloc: return f"loads {target} from elsewhere" if (tag, attribute) in LOADS else None
    if (tag, attribute) == ("a", "href") and target == "#": return None
    if url.path.startswith("/"): return f"links to {target}, which is right only where the site is the whole host"
    path = (page.parent / unquote(url.path)).resolve() if url.path else page
    if path.is_dir(): path /= "index.html"
    if not path.is_relative_to(site) or not path.exists(): return f"links to {target}, which is not there"
    if url.fragment and path in pages and unquote(url.fragment) not in pages[path].ids:
        return f"links to {target}: that page has no such place"
    return None


def problems(site: Path) -> list[str]:
    "Everything wrong with the links of the HTML pages and the style sheets in `site`, a line each."
    site = site.resolve()
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = [f"{path.relative_to(site)} {wrong}" for path, page in pages.items()
             for wrong in dict.fromkeys(problem(site, path, link, pages) for link in page.links) if wrong]
    for sheet in sorted(site.rglob("*.css")):
        found += [
            f"{sheet.relative_to(site)} loads {url} from elsewhere"
            for url in re.findall(
                r"(?:url\(|@import )['\"]?((?:https?:)?//[^'\")]+)", sheet.read_text(encoding="utf-8")
            )
        ]
    return found or ([] if pages else [f"{site} has no page"])


IMG, HEADING = re.compile(r"<img\b[^>]*>"), re.compile(r"<h[1-6][^>]*>(.*?)<a class=\"headerlink", re.S)


def attributes(tag: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}


def own_pages(site: Path) -> list[Path]:
    "The pages that Sphinx wrote; the page that fills holes has checks of its own."
    return [path for path in sorted(site.rglob("*.html")) if path.relative_to(site).parts[0] != "page"]


def dress(site: Path):
    "Give each picture its size, so that nothing jumps while it loads, and a figure without words the heading above it."
    for path in own_pages(site):
        text = path.read_text(encoding="utf-8")
        made = IMG.sub(lambda found: _dressed(found[0], path, text[:found.start()]), text)
        if made != text: path.write_text(made, encoding="utf-8")


def _dressed(tag: str, page: Path, before: str) -> str:
    known, more = attributes(tag), {}
    file = page.parent / unquote(known.get("src", ""))
    if not file.is_file(): return tag
    if "width" not in known and file.suffix != ".svg":
        with Image.open(file) as picture: more |= dict(zip(("width", "height"), map(str, picture.size)))
    if not known.get("alt") or known["alt"].endswith(file.name):  # Sphinx puts the file's name there
        above = [re.sub(r"<[^>]*>", "", heading).strip() for heading in HEADING.findall(before)]
        tag = re.sub(r'\s*alt="[^"]*"', "", tag)
        more["alt"] = f"Figure: {unescape(above[-1])}" if above else "Figure"
    if "loading" not in known: more["loading"] = "lazy"
    return tag[:4] + "".join(f' {name}="{escape(value)}"' for name, value in more.items()) + tag[4:]


def undressed(site: Path) -> list[str]:
    "Pictures without a size or without words, pages without a language or a title, a line each."
    found = []
    for path in own_pages(site):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(site)
        if not re.search(r"<html[^>]* lang=", text): found.append(f"{name} does not say its language")
        if not re.search(r"<title>[^<]*\w", text): found.append(f"{name} has no title")
        for known in map(attributes, IMG.findall(text)):
            missing = [kind for kind in ("alt", "width", "height") if not known.get(kind)]
            if known.get("src", "").endswith(".svg"): missing = [kind for kind in missing if kind == "alt"]
            if missing: found.append(f"{name}: the picture {known.get('src')} has no {' and no '.join(missing)}")
    return found


def weight(page: Path) -> int:
    "Bytes of a page: its HTML, the pictures in it, and every frame of its players."
    text = page.read_text(encoding="utf-8")
    files = {page.parent / unquote(known["src"]) for known in map(attributes, IMG.findall(text)) if known.get("src")}
    for box in re.findall(r'<script type="application/json">(.*?)</script>', text, re.S):
        about = json.loads(box)
        files |= {page.parent / about["at"] / name for name in about["frames"]}
    return len(text.encode()) + sum(file.stat().st_size for file in files if file.is_file())


def heavy(site: Path) -> list[str]:
    "The pages above MOST_BYTES, a line each."
    weights = {path: weight(path) for path in own_pages(site)}
    return [f"{path.relative_to(site)} weighs {bytes / 1e6:.1f} MB with its pictures and frames, of {MOST_BYTES / 1e6}"
            for path, bytes in weights.items() if bytes > MOST_BYTES]


if __name__ == "__main__":
    site = Path(sys.argv[1])
    lines = problems(site) + undressed(site) + heavy(site)
    print("\n".join(lines) or "every link leads somewhere")
    sys.exit(bool(lines))

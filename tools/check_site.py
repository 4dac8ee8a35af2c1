"""Does every link inside a built site lead somewhere, and does it load nothing from elsewhere?

`python tools/check_site.py _site`
"""
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

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


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1]))
    print("\n".join(lines) or "every link leads somewhere")
    sys.exit(bool(lines))

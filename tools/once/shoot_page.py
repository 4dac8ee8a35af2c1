"""Take the README's picture of the page: open it in Chromium, paint over a sample, wait for the fill, save
docs/page.jpg.
"""
import argparse
import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from find_browser import find_browser

STROKES = (((.12, .2), (.3, .42), (.5, .3)), ((.45, .75), (.62, .6), (.85, .82)))  # shares of width and height


def draw(page, *points: tuple[float, float]):
    "A stroke with the mouse."
    box = page.locator("#paint").bounding_box()
    places = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places: page.mouse.move(*place, steps=8)
    page.mouse.up()
    page.wait_for_function("!filling && !again")


def shoot(index: Path, sample: str) -> Image.Image:
    "The page with a painted sample, 1100 pixels wide."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(playwright), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1100, "height": 760})
        page.set_default_timeout(180_000)
        page.goto(index.resolve().as_uri())
        page.wait_for_function("ready")
        page.select_option("#sample", sample)
        page.wait_for_function("title => name === title", arg=sample)
        for stroke in STROKES: draw(page, *stroke)
        page.mouse.move(0, 0)
        page.evaluate("paint.blur()")
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        browser.close()
    return picture.convert("RGB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--page", type=Path, default=ROOT / "_page/index.html",
        help="what `make page` built (default: _page/index.html)",
    )
    parser.add_argument("--sample", default="hills", help="which sample to paint on (default: hills)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/page.jpg")
    args = parser.parse_args()
    shoot(args.page, args.sample).save(args.out, quality=82, optimize=True)
    print(f"{args.out}: {args.out.stat().st_size // 1024} KB")


if __name__ == "__main__": main()

"""Which texts of a page can hardly be read: contrast as the WCAG 2.1 define it (success criterion 1.4.3)."""
import re

# Every element with text of its own: text, colour, and the backgrounds from itself up to the root, each with opacity.
TEXTS = """() => [...document.body.querySelectorAll("*")].filter(node =>
    node.getClientRects().length && [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())
).map(node => {
    const grounds = [];
    for (let up = node; up; up = up.parentElement) grounds.push(getComputedStyle(up).backgroundColor);
    return [node.textContent.trim().slice(0, 40), getComputedStyle(node).color, grounds];
})"""


def _rgba(text: str) -> list[float]:  # three of 0..255 and the alpha of 0..1
    numbers = [float(number) for number in re.findall(r"[\d.]+", text)]
    return numbers if len(numbers) == 4 else [*numbers, 1.0]


def _over(front: list[float], back: list[float]) -> list[float]:
    return [front[3] * f + (1 - front[3]) * b for f, b in zip(front[:3], back)]


def _luminance(rgb: list[float]) -> float:
    linear = [c / 3294.6 if c <= 10.31475 else ((c / 255 + .055) / 1.055) ** 2.4 for c in rgb]
    return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2]


def contrast(color: str, grounds: list[str]) -> float:  # colours as CSS computes them; grounds from the inside out
    "From 1 to 21."
    back = [255.0] * 3
    for ground in reversed(grounds): back = _over(_rgba(ground), back)
    low, high = sorted((_luminance(_over(_rgba(color), back)), _luminance(back)))
    return (high + .05) / (low + .05)


def too_faint(page, least: float = 4.5) -> list[tuple[str, float]]:
    "The texts below WCAG's AA, with their contrast. Raises `AssertionError` for a page without text."
    texts = page.evaluate(TEXTS)
    assert texts, "the page shows no text"
    measured = [(text, round(contrast(color, grounds), 2)) for text, color, grounds in texts]
    return [(text, ratio) for text, ratio in measured if ratio < least]

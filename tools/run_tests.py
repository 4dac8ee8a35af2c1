"""`make test`: exports, style, every notebook, the tests; one closing line that can be counted."""
import codecs
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from check_exports import problems
from course import in_order, open_cells, reading_time
from find_browser import missing

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

# What a lesson may cost, on two CPU cores: seconds (training lessons: more) and kilobytes with its outputs; and all of
# them together.
SECONDS, TRAINING_SECONDS, ALL_SECONDS, KILOBYTES = 60, 120, 360, 500
TRAINING = ("12_", "13_", "14_", "18_", "19_")
SLACK = 2.5  # other machines are slower: above a budget of seconds a lesson is marked, above this many times it fails


def exports() -> tuple[int, int]:
    "Check that notebooks and modules agree; returns (passed, failed)."
    found = problems(ROOT)
    for line in found: print(f"exports: {line}")
    print(f"exports: {0 if found else 1} passed, {len(found)} failed\n")
    return (0, len(found)) if found else (1, 0)


def style() -> tuple[int, int]:
    "Ruff over package, notebooks, tests and tools, as ruff.toml says; returns (passed, failed)."
    run = subprocess.run([sys.executable, "-m", "ruff", "check", "--output-format", "concise"], cwd=ROOT)
    print(f"style: {int(not run.returncode)} passed, {int(bool(run.returncode))} failed\n", flush=True)
    return int(not run.returncode), int(bool(run.returncode))


def seconds_budget(name: str) -> int: return TRAINING_SECONDS if name.startswith(TRAINING) else SECONDS


def budgets(
    took: dict[str, float], weights: dict[str, float], wall: float, lengths: dict[str, tuple[float, int]] | None = None
) -> tuple[str, set[str]]:
    """A table of each lesson's seconds and kilobytes beside its budgets, and the lessons that break one (or 'all
    lessons'). `lengths`, minutes of reading and open cells, become two more columns: the minutes with the run's.
    """
    lines, broken = ["lesson                          seconds  of   KB  of" + "  minutes  cells" * bool(lengths)], set()
    for name in sorted(took):
        seconds, weight, budget = took[name], weights[name], seconds_budget(name)
        if seconds > SLACK * budget or weight > KILOBYTES: broken.add(name)
        note = "  BROKEN" if name in broken else "  slower than its budget" if seconds > budget else ""
        line = f"{name.removesuffix('.ipynb'):<32}{seconds:7.0f} {budget:3} {weight:4.0f} {KILOBYTES:3}"
        if lengths: line += f"{lengths[name][0] + seconds / 60:9.0f}{lengths[name][1]:7}"
        lines.append(line + note)
    if wall > SLACK * ALL_SECONDS: broken.add("all lessons")
    note = "  BROKEN" if "all lessons" in broken else "  slower than the budget" if wall > ALL_SECONDS else ""
    lines.append(
        f"{'all, side by side':<32}{wall:7.0f} {ALL_SECONDS:3} {sum(weights[name] for name in took):4.0f}{note}"
    )
    return "\n".join(
        lines
    ) + f"\nA lesson breaks its seconds above {SLACK} times the budget, and its kilobytes above the budget.", broken


def completed(said: str) -> set[str]:
    "The notebooks that nbdev_test says it has completed. Its processes may write two such lines into one."
    return set(re.findall(r"- Completed .*?([^/\s]+?\.ipynb)", said))


def notebooks() -> tuple[int, int]:
    "Run every notebook with nbdev_test; it exits 0 even when it ran nothing, so its own lines are counted."
    wanted, start = sorted((ROOT / "nbs").glob("*.ipynb")), time.time()
    # one thread each: the notebooks already run side by side
    try: run = subprocess.run([BIN / "nbdev_test", "--do_print", "--timing"], cwd=ROOT, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
                              timeout=2 * SLACK * ALL_SECONDS)
    except subprocess.TimeoutExpired as error:
        for output in (error.stdout, error.stderr): print((output or b"").decode(errors="replace"))
        print(f"notebooks: {error}\nnotebooks: 0 passed, {len(wanted)} failed\n", flush=True)
        return 0, len(wanted)
    print(run.stdout + run.stderr, flush=True)
    ran = completed(run.stdout)
    _, _, names = run.stderr.partition("nbdev Tests Failed On The Following Notebooks:")
    failed = set(re.findall(r"^\s+(\S+\.ipynb)$", names, re.M)) | {nb.name for nb in wanted if nb.name not in ran}
    if run.returncode and not failed: failed = {"nbdev_test itself"}
    for name in sorted(failed - ran): print(f"notebooks: {name} did not run")
    took = {name: float(seconds) for name, seconds in re.findall(r"^(\S+\.ipynb): (\d+) secs$", run.stdout, re.M)}
    lengths = {page.path.name: (reading_time(page), open_cells(page)) for page in in_order(ROOT / "nbs")}
    table, broken = budgets(took, {nb.name: nb.stat().st_size / 1024 for nb in wanted}, time.time() - start, lengths)
    if took: print(table)  # nbdev_test says no seconds when a notebook has failed
    for name in sorted(broken): print(f"notebooks: {name} breaks its budget")
    failed |= broken
    passed = len(ran - failed)
    if not passed and not failed: failed = {"(no notebook was found)"}
    print(f"notebooks: {passed} passed, {len(failed)} failed\n", flush=True)
    return passed, len(failed)


def followed(command: list, silence: float = 900) -> tuple[str, int]:
    """Run a command and print what it says as it says it; returns all of that, and the exit status.

    It is ended when it has said nothing for `silence` seconds (pytest.ini ends a single test sooner). A process that
    it leaves behind may hold its output open, so the end of the command counts, not the end of the output.
    """
    run = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
    said, heard, decoder = "", time.monotonic(), codecs.getincrementaldecoder("utf-8")("replace")
    with run.stdout as output:
        while True:
            ended = run.poll() is not None
            ready = select.select([output], [], [], 0 if ended else 1)[0]
            chunk = os.read(output.fileno(), 65536) if ready else b""
            if chunk:
                text, heard = decoder.decode(chunk), time.monotonic()
                print(text, end="", flush=True)
                said += text
            elif ended: break
            elif time.monotonic() - heard > silence:
                print(f"\nended: nothing was said for {silence:.0f} s", flush=True)
                run.kill()
            elif ready: run.wait()  # the output is closed
    return said, run.returncode


def pytest(*arguments: str) -> tuple[int, int]:
    "Run pytest; no test collected counts as a failure."
    said, status = followed([sys.executable, "-m", "pytest", "-q", *arguments])
    last = ([""] + [line for line in said.splitlines() if re.search(r"\d+ (passed|failed|error)", line)])[-1]
    count = lambda what: sum(int(n) for n in re.findall(rf"(\d+) {what}", last))
    passed, failed = count("passed"), count("failed") + count("error")
    if status and not failed: failed = 1
    if not passed and not failed: failed = 1
    return passed, failed


def tests() -> tuple[int, int]:
    "Run tests/, without those that need a browser."
    return pytest("--numprocesses=auto", "--dist=worksteal", "--durations=8", "--ignore=tests/browser", "tests")


def browser(must: bool) -> tuple[int, int]:
    """Every lesson in a real JupyterLab in a headless browser; where there is none that is said, and fails only if
    they must run.
    """
    reason = missing()
    if reason: print(f"browser: SKIPPED, no lesson was opened in a browser: {reason}\n", flush=True)
    return (0, int(must)) if reason else pytest("-rs", "--durations=40", "--durations-min=1", "tests/browser")


def main(arguments: list[str]) -> int:
    "Nothing: all but the browser's tests; --browser: those too, where there is a browser; --only-browser: those alone."
    start = time.time()
    parts = [] if "--only-browser" in arguments else [exports(), style(), notebooks(), tests()]
    if {"--browser", "--only-browser"} & set(arguments): parts.append(browser(must="--only-browser" in arguments))
    passed, failed = (sum(part[i] for part in parts) for i in (0, 1))
    print(f"\nthis took {time.time() - start:.0f} s")
    print(f"all: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__": sys.exit(main(sys.argv[1:]))

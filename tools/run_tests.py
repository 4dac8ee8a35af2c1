"""`make test`: exports and notebooks agree, every notebook runs, the tests pass; one closing line that can be counted."""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from check_exports import problems

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def exports() -> tuple[int, int]:
    "Check that notebooks and modules agree; returns (passed, failed)."
    found = problems(ROOT)
    for line in found: print(f"exports: {line}")
    print(f"exports: {0 if found else 1} passed, {len(found)} failed\n")
    return (0, len(found)) if found else (1, 0)


def notebooks() -> tuple[int, int]:
    "Run every notebook with nbdev_test; it exits 0 even when it ran nothing, so its own lines are counted."
    wanted = sorted((ROOT / "nbs").glob("[0-9]*.ipynb"))
    # one thread each: the notebooks already run side by side
    run = subprocess.run([BIN / "nbdev_test", "--do_print", "--timing"], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
    print(run.stdout + run.stderr, flush=True)
    ran = set(re.findall(r"^- Completed .*?([^/\s]+\.ipynb)$", run.stdout, re.M))
    _, _, names = run.stderr.partition("nbdev Tests Failed On The Following Notebooks:")
    failed = set(re.findall(r"^\s+(\S+\.ipynb)$", names, re.M)) | {nb.name for nb in wanted if nb.name not in ran}
    if run.returncode and not failed: failed = {"nbdev_test itself"}
    for name in sorted(failed - ran): print(f"notebooks: {name} did not run")
    passed = len(ran - failed)
    if not passed and not failed: failed = {"(no notebook was found)"}
    print(f"notebooks: {passed} passed, {len(failed)} failed\n", flush=True)
    return passed, len(failed)


def tests() -> tuple[int, int]:
    "Run tests/ with pytest; no test collected counts as a failure."
    run = subprocess.Popen([sys.executable, "-m", "pytest", "-q", "--durations=8", "tests"], cwd=ROOT, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    last = ""
    for line in run.stdout:
        print(line, end="", flush=True)
        if re.search(r"\d+ (passed|failed|error)", line): last = line
    count = lambda what: sum(int(n) for n in re.findall(rf"(\d+) {what}", last))
    passed, failed = count("passed"), count("failed") + count("error")
    if run.wait() and not failed: failed = 1
    if not passed and not failed: failed = 1
    return passed, failed


def main() -> int:
    start = time.time()
    parts = [exports(), notebooks(), tests()]
    passed, failed = (sum(part[i] for part in parts) for i in (0, 1))
    print(f"\nmake test took {time.time() - start:.0f} s")
    print(f"all: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__": sys.exit(main())

"""The checks behind `make test` fail when they should: each fault is planted in a small project of its own."""
import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import check_exports
import run_tests as make_test


def notebook(*cells: str) -> str:
    "A notebook of code cells, as JSON text."
    made = [{"cell_type": "code", "id": f"cell{i}", "metadata": {}, "execution_count": None, "outputs": [],
             "source": cell.splitlines(keepends=True)} for i, cell in enumerate(cells)]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


@pytest.fixture
def project(tmp_path):
    "A project with one notebook that exports one function."
    for part in ("nbs", "pconv_edu", "tests"): (tmp_path / part).mkdir()
    for file in ("settings.ini", "setup.py", "README.md"): shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "nbs/01_one.ipynb").write_text(
        notebook("#| default_exp one", "#| export\ndef one(): return 1", "assert one() == 1")
    )
    for command in ("nbdev_export", "nbdev_clean"):
        subprocess.run([check_exports.BIN / command], cwd=tmp_path, check=True, capture_output=True, timeout=300)
    return tmp_path


@pytest.mark.parametrize("tool", sorted(
    path.stem for path in (ROOT / "tools").glob("*.py") if "ArgumentParser(" in path.read_text(encoding="utf-8")))
def test_help_begins_with_a_whole_sentence(tool):
    "Bug: `--help` showed the first line of a docstring whose sentence takes two."
    source = (ROOT / "tools" / f"{tool}.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    shown = [eval(ast.unparse(word.value), {"__doc__": ast.get_docstring(tree, clean=False)})
             for call in ast.walk(tree) if isinstance(call, ast.Call) and "ArgumentParser" in ast.unparse(call.func)
             for word in call.keywords if word.arg == "description" and "__doc__" in ast.unparse(word.value)]
    assert shown and all(text.rstrip().endswith(".") for text in shown), shown


def test_lines_that_two_notebooks_write_into_one_are_told_apart():
    said = ("Starting /a b/nbs/01_x.ipynb\n- Completed /a b/nbs/01_x.ipynbStarting /a b/nbs/03_z.ipynb\n\n"
            "Starting /a b/nbs/w02_tars.ipynb- Completed /a b/nbs/w01_y.ipynb\nError in /a b/nbs/w02_tars.ipynb:\n")
    assert make_test.completed(said) == {"01_x.ipynb", "w01_y.ipynb"}


def test_a_sound_project_has_no_problems(project):
    assert check_exports.problems(project) == []


def test_an_edited_module_is_found(project):
    module = project / "pconv_edu/one.py"
    module.write_text(module.read_text().replace("return 1", "return 2"))
    assert any("one.py is not what its notebook gives" in line for line in check_exports.problems(project))


def test_two_notebooks_with_one_module_are_found(project):
    (project / "nbs/02_two.ipynb").write_text(notebook("#| default_exp one", "#| export\ndef two(): return 2"))
    assert any(
        "01_one.ipynb and 02_two.ipynb both export the module 'one'" in line for line in check_exports.problems(project)
    )


def test_a_module_without_its_notebook_is_found(project):
    (project / "nbs/01_one.ipynb").rename(project / "nbs/01_other.ipynb")
    assert check_exports.orphans(project / "pconv_edu") == [
        "pconv_edu/one.py was exported from ../nbs/01_one.ipynb, which is gone: delete the module"]


def run_notebooks(project, monkeypatch):
    monkeypatch.setattr(make_test, "ROOT", project)
    return make_test.notebooks()


def test_notebooks_are_counted(project, monkeypatch):
    assert run_notebooks(project, monkeypatch) == (1, 0)


def test_a_failing_notebook_is_counted(project, monkeypatch):
    (project / "nbs/02_two.ipynb").write_text(notebook("assert 1 == 2"))
    assert run_notebooks(project, monkeypatch) == (1, 1)


def test_no_notebook_at_all_is_a_failure(project, monkeypatch):
    (project / "nbs/01_one.ipynb").unlink()
    assert run_notebooks(project, monkeypatch) == (0, 1)


def test_no_collected_test_is_a_failure(project, monkeypatch):
    monkeypatch.setattr(make_test, "ROOT", project)
    assert make_test.tests() == (0, 1)


def test_a_failing_test_is_counted(project, monkeypatch):
    (project / "tests/test_it.py").write_text("def test_right(): pass\n\ndef test_wrong(): assert 1 == 2\n")
    monkeypatch.setattr(make_test, "ROOT", project)
    assert make_test.tests() == (1, 1)


def test_a_test_that_hangs_is_one_failed_test(project, monkeypatch, capfd):
    "And the process that it leaves behind, which holds the output open, delays nobody. CI once waited for 90 minutes."
    (project / "tests/test_it.py").write_text("""
import multiprocessing, subprocess, sys
def test_right(): pass
def test_hangs():
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=2)
    with open("left", "w") as file: file.write(str(left.pid))
    lock = multiprocessing.Lock()
    lock.acquire(), lock.acquire()
""")
    limits = (ROOT / "pytest.ini").read_text()
    assert limits.count("= 600\n") == 1 and "exit_on_timeout = true" in limits
    (project / "pytest.ini").write_text(limits.replace("= 600", "= 2"))
    monkeypatch.setattr(make_test, "ROOT", project)
    start = time.monotonic()
    try: assert make_test.tests() == (1, 1)
    finally: os.kill(int((project / "left").read_text()), signal.SIGKILL)
    said = capfd.readouterr().out
    assert "test_it.py::test_hangs" in said and "in test_hangs" in said and time.monotonic() - start < 300


def test_a_command_that_says_nothing_is_ended(capfd):
    said, status = make_test.followed([sys.executable, "-c", "print('é', flush=True); import time; time.sleep(600)"], 2)
    assert said == "é\n" and status == -signal.SIGKILL and "nothing was said for 2 s" in capfd.readouterr().out


def test_an_old_python_is_told_what_to_do(monkeypatch, capsys):
    import install
    monkeypatch.setattr(install, "NEEDED", (99, 0))
    with pytest.raises(SystemExit) as stopped: install.main("unused")
    assert stopped.value.code == 1
    assert "Python 99.0 or newer is needed" in capsys.readouterr().err


def test_a_missing_browser_is_said_and_fails_only_where_it_was_asked_for(monkeypatch, capsys):
    monkeypatch.setattr(make_test, "missing", lambda: "no Chromium was found")
    assert make_test.browser(must=False) == (0, 0) and make_test.browser(must=True) == (0, 1)
    assert (
        capsys.readouterr().out.count("browser: SKIPPED, no lesson was opened in a browser: no Chromium was found") == 2
    )


@pytest.mark.parametrize("asked, counted", [([], 1111), (["--browser"], 11111), (["--only-browser"], 10000)])
def test_the_closing_line_counts_every_part(monkeypatch, capsys, asked, counted):
    for i, part in enumerate(("exports", "style", "notebooks", "tests")):
        monkeypatch.setattr(make_test, part, lambda n=10**i: (n, 0))
    monkeypatch.setattr(make_test, "browser", lambda must: (10000, 0))
    assert make_test.main(asked) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"all: {counted} passed, 0 failed"


def test_make_clean_leaves_ones_own_trainings(tmp_path):
    "`rm -rf runs` took every training along: runs/pconv is where `fit` writes if nothing is said."
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    for folder in ("runs/mine", "runs/pconv", "runs/demo", "_site", "pconv_edu.egg-info"):
        (tmp_path / folder).mkdir(parents=True)
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True, timeout=300)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "Makefile", "pconv_edu.egg-info", "runs", "runs/mine", "runs/pconv",
    ]


def test_ctrl_c_reaches_tests_that_run_in_the_background(tmp_path):
    "As under `nohup make test &`, where SIGINT is ignored when pytest starts."
    shutil.copy(Path(__file__).parent / "conftest.py", tmp_path)
    (tmp_path / "test_child.py").write_text("""
import select, signal, subprocess, sys

def test_child_stops():
    code = "import sys, time; print('held', flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert select.select([child.stdout], [], [], 120)[0] and child.stdout.readline() == b"held\\n"
    child.send_signal(signal.SIGINT)
    assert child.wait(60) != 0
""")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ignored = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
    done = subprocess.run(ignored, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout

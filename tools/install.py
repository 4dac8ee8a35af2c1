# ruff: noqa: UP030, UP031, UP032
"""Make the virtual environment and install the package into it, with one clear sentence when that fails.

Written for any Python 3 (it must still parse on one that is too old to run the package).
"""
import os
import subprocess
import sys

NEEDED = (3, 10)
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def stop(sentence):
    sys.stderr.write("\npconv_edu: " + sentence + "\n")
    sys.exit(1)


def run(command, failed):
    print("$ " + " ".join(command))
    sys.stdout.flush()
    try:
        code = subprocess.call(command, cwd=HERE)
    except OSError as error:
        stop(f"{failed} ({error})")
    if code != 0:
        stop(failed)


def main(venv):
    if sys.version_info < NEEDED:
        stop(
            "Python {0}.{1} or newer is needed, and this is {2}.{3}. Say which one to use: make PYTHON=python3.12 "
            "...".format(*(NEEDED + tuple(sys.version_info[:2])))
        )
    run([sys.executable, "-m", "venv", venv],
        f"the virtual environment could not be made in '{venv}'. On Debian or Ubuntu install its module first: "
        "apt install python3-venv.")
    scripts = "Scripts" if os.name == "nt" else "bin"
    pip = [os.path.join(venv, scripts, "python"), "-m", "pip", "--disable-pip-version-check"]
    run(
        pip + ["install", "--quiet", "-c", "constraints.txt", "-e", ".[dev]"],
        "installing failed; pip's own lines above say at which package. Without a network connection (or behind a "
        "proxy that pip does not know) nothing can be fetched: connect once and run the same command again; it "
        "resumes from there.",
    )


if __name__ == "__main__":
    main(sys.argv[1])

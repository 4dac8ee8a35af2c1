"""What the commands share: streams that survive, one line for each error, exit codes, shares of work under torchrun.

Exit codes: 0 all is well, 1 some files failed (each is named), 2 wrong usage or bad input, 130 stopped by Ctrl-C.
"""
import argparse
import errno
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path

import torch
from tqdm import tqdm

from pconv_edu import __version__
from pconv_edu.files import need_package, printable
from pconv_edu.parallel import NUMBERED, best_device

# what one picture can do to a run
FAILURES = (ValueError, TypeError, OSError, RuntimeError, MemoryError, ArithmeticError)
MEANINGS = "exit codes: 0 all is well, 1 some files failed, 2 wrong usage or bad input, 130 stopped by Ctrl-C"


class Stop(Exception):
    "Wrong usage or bad input: the command prints this sentence and exits with 2."


class Stream:
    "Standard output or error for a command. Text that nobody reads any more is dropped, and the work continues."
    def __init__(self, stream, keep: str):
        self.stream, self.keep = stream, keep

    def write(self, text: str) -> int:
        if self.stream is None: return len(text)  # closed before Python started: 2>&-, pythonw, a service
        up = "\x1b[A"  # how tqdm moves between the bars of several processes
        safe = up.join(printable(part, self.keep) for part in text.split(up))
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        safe = safe.encode(encoding, "backslashreplace").decode(encoding)
        return self._try(self.stream.write, safe) or len(text)

    def flush(self):
        if self.stream is not None: self._try(self.stream.flush)

    def isatty(self) -> bool: return self.stream is not None and self.stream.isatty()

    def __getattr__(self, name): return getattr(self.stream, name)

    def _try(self, do: Callable, *args):
        try: return do(*args)
        except OSError as error:
            null = os.open(os.devnull, os.O_WRONLY)  # Python would try again, and complain, when it ends
            os.dup2(null, self.stream.fileno()), os.close(null)
            if error.errno not in (errno.EPIPE, errno.EINVAL): raise  # a full disk; those two: `| head` has gone
        except ValueError:  # closed by somebody else in this process
            if not self.stream.closed: raise


@contextmanager
def streams():
    "`sys.stdout` and `sys.stderr` as `Stream`s."
    for descriptor in range(3):  # a file opened later must not become stdout or stderr, into which libraries may write
        try: os.fstat(descriptor)
        except OSError: os.open(os.devnull, os.O_RDWR)
    out = Stream(sys.stdout, "\n\t")
    err = Stream(sys.stderr, "\n\t\r")  # a progress bar returns to the start of its line
    with redirect_stdout(out), redirect_stderr(err):
        try: yield
        finally: out.flush(), err.flush()


def say(text: str):
    "One line for people, which does not tear a progress bar."
    tqdm.write(printable(" ".join(str(text).splitlines())), file=sys.stderr)


def run(
    parser: argparse.ArgumentParser,
    work: Callable[[argparse.Namespace], int],
    argv: Sequence[str] | None,
) -> int:  # exit code
    "Read the arguments and do the work: every error is one line, Ctrl-C exits with 130."
    with streams(), warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: say(f"warning: {message}")
        try:
            code = work(parser.parse_args(argv))
            sys.stdout.flush()  # a full disk is an error of this command
            return code
        except SystemExit as stop: return int(stop.code or 0)  # argparse has said why, or printed its help
        except (Stop, ImportError, *FAILURES) as error:
            say(f"{parser.prog}: error: {str(error) or type(error).__name__}")
            return 2
        except KeyboardInterrupt:
            say(f"{parser.prog}: stopped. What is written is whole; run the same command again to resume")
            return 130


def number(name: str) -> int | None:
    "A whole number that torchrun left in the environment."
    text = os.environ.get(name)
    if text and not text.isdigit(): raise Stop(f"{name}={text!r} in the environment is no whole number")
    return int(text) if text else None


def share() -> tuple[int, int]:  # this process's number, and how many there are
    "RANK and WORLD_SIZE, as torchrun (or a batch system's script) sets them; alone: 0 of 1."
    rank, world = number("RANK") or 0, number("WORLD_SIZE") or 1
    if rank >= world: raise Stop(f"RANK={rank} and WORLD_SIZE={world} in the environment do not go together")
    return rank, world


def in_all(counts: list[int]) -> list[int]:
    "Sums over torchrun's processes. It ends all of them as soon as one fails: so each waits here for the slowest."
    if share()[1] == 1 or "MASTER_ADDR" not in os.environ: return counts
    import torch.distributed as dist
    if not dist.is_initialized(): dist.init_process_group("gloo", timeout=timedelta(days=30))
    total = torch.tensor(counts)
    dist.all_reduce(total)
    dist.destroy_process_group()
    return total.tolist()


def device(asked: str | None) -> torch.device:
    "The device asked for, or a GPU of this process's own where there is one."
    if asked is None:
        asked = best_device()
        if asked in NUMBERED: asked += f":{(number('LOCAL_RANK') or 0) % torch.accelerator.device_count()}"
    try: return torch.empty(0, device=asked).device
    except (RuntimeError, AssertionError) as error:
        raise Stop(f"device {asked!r} cannot be used: {str(error).splitlines()[0]}") from None


def path(text: str) -> Path:
    "An argument that names a file or folder; ~ is the home folder, also in --out=~/x, which the shell leaves alone."
    if not text: raise argparse.ArgumentTypeError("an empty name")
    found = Path(os.path.expanduser(text))
    if str(found).startswith("~"): return Path.cwd() / found  # ./~ is a file of that name, here and further on
    return found


class Parser(argparse.ArgumentParser):
    "An argument parser whose errors leave the terminal alone."
    def error(self, message: str): super().error(printable(message))


SHELLS = "bash", "zsh", "tcsh"
PLACES = "images", "config", "out"  # options of training that name a file or folder


class Completion(argparse.Action):
    "Prints the script that completes the command in a shell, and exits."
    def __call__(self, parser: argparse.ArgumentParser, options: argparse.Namespace, shell: str, option=None):
        shtab = need_package("shtab", option, "completion")
        for action in parser._actions:
            if action.type is path or action.dest in PLACES: action.complete = shtab.FILE
        print(shtab.complete(parser, shell))
        parser.exit()


def add_common(made: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    "What every command has: --version and --completion."
    made.add_argument("--version", action="version", version=f"{name} {__version__}")
    made.add_argument(
        "--completion", choices=SHELLS, action=Completion, default=argparse.SUPPRESS,
        help='print a script with which Tab completes this command (needs the extra "completion"): '
             f'eval "$({name} --completion bash)" in ~/.bashrc')
    return made


def parser(name: str, what: str, examples: str) -> argparse.ArgumentParser:
    "A parser with what every command has, whose help ends with examples."
    made = Parser(name, description=what, epilog=f"examples:\n{examples}\n\n{MEANINGS}",
                  formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    return add_common(made, name)

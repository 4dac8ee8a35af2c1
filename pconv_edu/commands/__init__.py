"""What the commands share: one way to say what went wrong, exit codes, whole files or none, and a share of the work under torchrun.

Exit codes: 0 all is well, 1 some files failed (each is named), 2 wrong usage or bad input, 130 stopped by Ctrl-C.
"""
import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta

import torch
from tqdm import tqdm

FAILURES = (ValueError, TypeError, OSError, RuntimeError, MemoryError, ArithmeticError)  # what one picture can do to a run


class Stop(Exception):
    "Wrong usage or bad input: the command says this sentence and leaves with 2."


def say(text: str):
    "A line for people, which does not tear a progress bar."
    tqdm.write(text, file=sys.stderr)


def run(parser: argparse.ArgumentParser, work: Callable[[argparse.Namespace], int], argv: Sequence[str] | None) -> int:  # exit code
    "Read the arguments and do the work: every error is one line, Ctrl-C leaves with 130."
    try: asked = parser.parse_args(argv)
    except SystemExit as stop: return int(stop.code or 0)  # argparse has said why, or printed its help
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: say(f"warning: {message}")
        try: return work(asked)
        except (Stop, ImportError, *FAILURES) as error: say(f"{parser.prog}: error: {str(error) or type(error).__name__}")
        except KeyboardInterrupt:
            say(f"{parser.prog}: stopped. What is written is whole; the same command goes on from there")
            return 130
    return 2


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
    "Sums over the processes of torchrun, which ends all of them as soon as one fails: so each waits here for the slowest."
    if share()[1] == 1 or "MASTER_ADDR" not in os.environ: return counts
    import torch.distributed as dist
    if not dist.is_initialized(): dist.init_process_group("gloo", timeout=timedelta(days=30))
    total = torch.tensor(counts)
    dist.all_reduce(total)
    dist.destroy_process_group()
    return total.tolist()


def device(asked: str | None) -> torch.device:
    "The device asked for, or a GPU of this process's own where there is one."
    if asked is None: asked = f"cuda:{(number('LOCAL_RANK') or 0) % torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu"
    try: return torch.empty(0, device=asked).device
    except (RuntimeError, AssertionError) as error: raise Stop(f"device {asked!r} cannot be used: {str(error).splitlines()[0]}") from None


def parser(name: str, what: str, examples: str) -> argparse.ArgumentParser:
    "A parser whose help ends with examples."
    return argparse.ArgumentParser(name, description=what, epilog=f"examples:\n{examples}\n\nexit codes: 0 all is well, 1 some files failed, 2 wrong usage or bad input, 130 stopped by Ctrl-C",
                                   formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)

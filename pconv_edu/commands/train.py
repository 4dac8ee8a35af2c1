"""`pconv_train`, also `python -m pconv_edu.train`: the options of `fit` on the command line; each error is one line.

Exit codes: 0 trained to the end, 2 wrong usage or bad input, 130 stopped by Ctrl-C, 128 + number after another signal.
"""
import argparse
import ast
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path

from pconv_edu import train
from pconv_edu.commands import add_common
from pconv_edu.guards import nearest, one_of
from pconv_edu.losses import TERMS, LossWeights
from pconv_edu.options import Options
from pconv_edu.phases import RECIPES, Phase
from pconv_edu.sources import archives
from pconv_edu.unet import NETS

PHASES = "name:steps:lr[:frozen], one for each phase, with commas between; steps may be hours, such as 24h"
EXAMPLE = "initial:100000:2e-4,fine-tune:24h:5e-5:frozen"
FAILURES = (ValueError, TypeError, RuntimeError, OSError, ImportError, MemoryError, ArithmeticError)


def parse_phases(text: str) -> tuple[Phase, ...]:
    "`initial:100000:2e-4,fine-tune:24h:5e-5:frozen` as phases."
    def one(part):
        name, length, lr, *rest = part.split(":")
        if rest not in ([], ["frozen"]):
            raise ValueError(f"{':'.join(rest)!r} is unknown, only 'frozen' may follow the learning rate")
        span = dict(steps=None, hours=float(length[:-1])) if length.endswith("h") else dict(steps=int(length))
        return Phase(name, lr=float(lr), freeze_encoder_bn=bool(rest), **span)
    try: return tuple(one(part) for part in text.split(","))
    except ValueError as error: raise ValueError(f"phases {text!r}: {error}; write them as {EXAMPLE}") from None


def parse_weights(text: str) -> LossWeights:
    "`hole=6,tv=0.1` as weights; a term that is not named keeps the weight in `TERMS`."
    pairs = [part.partition("=") for part in text.split(",")]
    for name, _, _ in pairs: one_of("weight", name, TERMS)
    try: return LossWeights(**{name: float(value) for name, _, value in pairs})
    except ValueError as error: raise ValueError(f"weights {text!r}: {error}; write them as hole=6,tv=0.1") from None


def _value(text: str):
    "A number, True, False or None as such; anything else is text."
    try: return ast.literal_eval(text)
    except (ValueError, SyntaxError): return text


READERS = {"phases": parse_phases, "weights": parse_weights}
TEXTS = ("masks", "out", "valid", *READERS)  # never read as a number
IN_PYTHON = "optimizer", "schedule", "log"  # functions, which a shell cannot say


def read_config(path: str | Path) -> dict:
    """The options in a file of lines `name: value`, as each run writes it to its config.yaml.

    Raises `ValueError` naming file and line for anything else that YAML allows, such as lists and nested values.
    """
    known, found = [field.name for field in fields(Options)], {}
    for number, line in enumerate(Path(path).expanduser().read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"): continue
        name, colon, text = line.partition(":")
        name, text = name.strip(), text.strip()
        if not colon or line[0].isspace() or not re.fullmatch(r"\w+", name) or text[:1] in ("", "[", "{", "|", ">", "&"):
            raise ValueError(f"{path}, line {number}: {line.strip()!r} is no line like 'size: 256'; "
                             "only one value to each name is read")
        try: one_of("option", name, known)
        except ValueError as error: raise ValueError(f"{path}, line {number}: {error}") from None
        try: found[name] = json.loads(text)
        except ValueError: found[name] = text if name in TEXTS or name == "images" else _value(text)
    return found


def helps() -> dict[str, str]:
    "What `--help` says of each option: the comment beside its field, and the names or the syntax it takes."
    from fastcore.docments import docments  # needed for --help alone: training runs without it
    known = docments(Options)
    known["net"] = f"a network by name: {', '.join(NETS)}"
    known["phases"] += f"; written as {PHASES}: {EXAMPLE}"
    terms = ",".join(f"{name}={term.weight:g}" for name, term in TERMS.items())
    known["weights"] += f"; written as hole=6,tv=0.1; all terms, with the paper's weights: {terms}"
    return {name: " ".join((text or "").split()).replace("%", "%%") for name, text in known.items()}


def parser() -> argparse.ArgumentParser:
    "The fields of `Options` as options of a command."
    called = "pconv_train" if Path(sys.argv[0]).stem == "pconv_train" else "python -m pconv_edu.train"
    help, description = helps(), (train.fit.__doc__ or "").split("\n")[0]
    made = argparse.ArgumentParser(
        called, description=description, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    made.add_argument("images", nargs="?", help=f"folder of pictures, or {archives()}")
    made.add_argument("--config", metavar="FILE",
                      help="options from a file of lines such as 'size: 256'; each run writes one, config.yaml in its "
                           "folder, that repeats it. Options on the command line override the file's")
    add_common(made, "pconv_train")
    made.add_argument("--recipe", metavar="X",
                      help="values to start from, for one of the paper's runs or for your own folder: "
                           f"{', '.join(RECIPES)}")
    for field in fields(Options):
        name, default = field.name, field.default
        option = f"--{name.replace('_', '-')}"
        if default is MISSING or name in IN_PYTHON: continue
        if isinstance(default, bool) and name != "resume":
            made.add_argument(option, action=argparse.BooleanOptionalAction, help=help[name])
        else:
            shown = "the paper's" if name in READERS else default
            kind = str if name in TEXTS else _value
            made.add_argument(option, type=kind, metavar="X", help=f"{help[name]} ({shown})")
    return made


def recipe(name: str | None) -> dict:
    "The options that a recipe gives; none without a name."
    if name is not None: one_of("recipe", name, RECIPES)
    return RECIPES.get(name, {})


def main(argv: Sequence[str] | None = None) -> int:  # exit status
    "Train; each error is one line."
    command = parser()
    try:
        given, unknown = command.parse_known_args(argv)
        if unknown: raise ValueError(f"unknown {unknown[0]!r}; {nearest(unknown[0], command._option_string_actions)}")
        given = {name: value for name, value in vars(given).items() if value is not None or name != "images"}
        file = read_config(given.pop("config")) if "config" in given else {}
        start = recipe(given.pop("recipe", None))
        given = {name: READERS[name](value) if name in READERS and isinstance(value, str) else value
                 for name, value in {**file, **given}.items()}
        if "images" not in given: raise ValueError("give a folder of pictures: pconv_train photos/ --out runs/mine")
        train.fit(given.pop("images"), **{**start, **given})
    except FAILURES as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt: return 130
    return 0

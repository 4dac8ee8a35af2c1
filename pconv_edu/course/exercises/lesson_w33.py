"""Judges of page w33."""
import shutil
from pathlib import Path

from pconv_edu import checkpoint
from pconv_edu.course import broken_rarely as rare
from pconv_edu.course.exercises.museum import exhibit, small_net, sound_fill
from pconv_edu.losses import gram_matrix

exhibit(
    "w33.1",
    sound_fill,
    {
        "no padding": (lambda: rare.unpadded(small_net()), "Try sides that are not a multiple of 16, such as 50 × 37"),
        "black pixels that count": (
            lambda: rare.padded_with_pixels(small_net()),
            "The size is right. Pad image and mask to a multiple of 16 with pad_with_hole yourself: the part that "
            "was there before must come out the same",
        ),
    },
    "For a picture of 50 × 37 the output is 50 × 37, and what pad_with_hole(…, 16) adds changes it by rounding "
    "alone: allow 1e-4. (Larger multiples do change it: layers grow into what is added.)",
)


exhibit(
    "w33.2",
    lambda: gram_matrix,
    {
        "summed in half precision": (
            lambda: rare.gram_in_half,
            "Give it loud features: sums above 65504 must stay finite",
        ),
        "without the channels": (
            lambda: rare.gram_without_channels,
            "[[1,2],[0,1]] as [1,2,1,2] gives [[1.25,.5],[.5,.25]]: the sum divided by C·H·W = 4",
        ),
    },
    "[[1,2],[0,1]] as features [1,2,1,2] gives [[[1.25,.5],[.5,.25]]]: shape [1,2,2], and allow for rounding",
)


exhibit(
    "w33.3",
    lambda: rare.read_all,
    {
        "stops": (lambda: rare.stops_without_a_name, "Call read(three_files()); it stops there"),
        "black instead": (
            lambda: rare.black_instead,
            "It does not stop, but it does not say anything either: is 'cut.png' among the bad ones?",
        ),
        "skipped in silence": (
            lambda: lambda files: (rare.read_all(files)[0], {}),
            "Two pictures are right, but nobody learns which file was skipped: is 'cut.png' among the bad ones?",
        ),
    },
    "read(three_files()) returns (pictures, bad): two pictures, and bad is {'cut.png': …}",
)


def _renames_too_early(folder, step: int, tensors: dict, state: dict) -> Path:
    "Writes the new checkpoint beside the old one, and replaces the old one before the last file is written."
    *first, last = checkpoint.contents_of(step, tensors, state, None).items()
    beside, path = Path(folder) / "new", Path(folder) / "last"
    beside.mkdir()
    for name, content in first: (beside / name).write_bytes(content)
    shutil.rmtree(path, ignore_errors=True)
    beside.rename(path)
    (path / last[0]).write_bytes(last[1])
    return path


def _rewrites_both(folder, step: int, tensors: dict, state: dict) -> Path:
    "Keeps the last checkpoint in memory, clears the folder, and writes both."
    kept = {path.name: {file.name: file.read_bytes() for file in path.iterdir()} for path in Path(folder).iterdir()}
    kept[f"step_{step:08}"] = checkpoint.contents_of(step, tensors, state, None)
    for path in Path(folder).iterdir(): shutil.rmtree(path)
    for name, files in kept.items():
        (Path(folder) / name).mkdir()
        for file, content in files.items(): (Path(folder) / name / file).write_bytes(content)
    return Path(folder) / f"step_{step:08}"


exhibit(
    "w33.4",
    lambda: checkpoint.save,
    {
        "saved over the last one": (
            lambda: rare.save_over,
            "Save step 1, save step 2 inside `with power_cut():`, and look at whole_ones(folder)",
        ),
        "deletes first": (
            lambda: rare.deletes_first,
            "Save step 1, save step 2 inside `with power_cut():`, and look at whole_ones(folder): it must not be empty",
        ),
        "renamed too early": (
            lambda: _renames_too_early,
            "It fails only if the power goes while the last file is written: try power_cut(0), power_cut(1) and "
            "power_cut(2)",
        ),
        "rewrites both": (
            lambda: _rewrites_both,
            "Both checkpoints are there if nothing goes wrong: make the second save inside `with power_cut(file):`",
        ),
    },
    "Call save(folder, step, tensors, {'step': step}) in an empty folder; after the cut step 1 is still whole",
)

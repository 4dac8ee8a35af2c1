"""Judges of page 24."""
import shutil
from pathlib import Path

from pconv_edu import checkpoint
from pconv_edu.course import broken_run as run
from pconv_edu.course.exercises.museum import exhibit
from pconv_edu.inpainting import fill_windows

exhibit("24.1", lambda: run.own_masks, {
    "one for all": (lambda: run.one_for_all, "Are mask 0 and mask 1 different?"),
    "new each time": (lambda: run.new_each_time, "Ask for the same mask twice: are the two equal?")},
    "Every n has its own mask, always the same one")


exhibit(
    "24.2",
    lambda: run.read_all,
    {
        "stops": (lambda: run.stops_without_a_name, "Call read(three_files()); it stops there"),
        "black instead": (
            lambda: run.black_instead,
            "It does not stop, but it does not say anything either: is 'cut.png' among the bad ones?",
        ),
        "skipped in silence": (
            lambda: lambda files: (run.read_all(files)[0], {}),
            "Two pictures are right, but nobody learns which file was skipped: is 'cut.png' among the bad ones?",
        ),
    },
    "read(three_files()) returns (pictures, bad): two pictures, and bad is {'cut.png': …}",
)


exhibit(
    "24.3",
    lambda: run.training,
    {
        "new Adam": (
            lambda: run.forgets_moments,
            "Compare the final weights of train(data, 6) and train(data, 6, killed_at=3), to the last bit; the "
            "losses need not show it at once",
        ),
        "data from the start": (
            lambda: run.starts_data_again,
            "Compare the final weights of train(data, 6) and train(data, 6, killed_at=3), to the last bit",
        ),
    },
    "train(data, 6) and train(data, 6, killed_at=3) give equal losses and equal weights, tensor by tensor",
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


exhibit(
    "24.4",
    lambda: checkpoint.save,
    {
        "saved over the last one": (
            lambda: run.save_over,
            "Save step 1, save step 2 inside `with power_cut():`, and look at whole_ones(folder)",
        ),
        "deletes first": (
            lambda: run.deletes_first,
            "Save step 1, save step 2 inside `with power_cut():`, and look at whole_ones(folder): it must not be empty",
        ),
        "renamed too early": (
            lambda: _renames_too_early,
            "It fails only if the power goes in the last file: try power_cut(0), power_cut(1) and power_cut(2)",
        ),
    },
    "Call save(folder, step, tensors, {'step': step}) in an empty folder; after the cut step 1 is still whole",
)


exhibit(
    "24.5",
    run.mask_sets,
    {
        "the same files": (run.same_files, "Are any test masks among the training masks?"),
        "other names": (
            run.same_pixels,
            "The names differ, the pixels do not: compare every mask of one set with every mask of the other",
        ),
    },
    "It gets two dicts, name → mask [1,32,32], and in the fair case no mask is in both",
)


exhibit(
    "24.6",
    lambda: fill_windows,
    {
        "not black": (
            lambda: run.blends_what_is_not_black,
            "Look at the steps of across_two_windows(fill_windows): it jumps from 0 to 1",
        ),
        "mean up to the edge": (
            lambda: run.blends_by_the_mean,
            "It has two steps of one half; a ramp over eight pixels has none above 0.25",
        ),
    },
    "Its ramp over eight pixels takes steps of up to 0.2: allow 0.25",
)

"""Judges of page 24."""
from pconv_edu.course import broken_run as run
from pconv_edu.course.exercises.museum import exhibit
from pconv_edu.inpainting import fill_windows

exhibit("24.1", lambda: run.own_masks, {
    "one for all": (lambda: run.one_for_all, "Are mask 0 and mask 1 different?"),
    "new each time": (lambda: run.new_each_time, "Ask for the same mask twice: are the two equal?")},
    "Every n has its own mask, with the same pixels each time it is asked for: compare pixels, not objects")


def stale_weights(data, steps, killed_at=None):
    "A run that resumes as it should, and once it was killed hands over the weights from before its last step."
    losses, weights = run.training(data, steps, killed_at)
    return losses, weights if killed_at is None else run.training(data, steps - 1)[1]


exhibit(
    "24.2",
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
        "stale weights": (
            lambda: stale_weights,
            "Equal losses are not enough: these weights are not those of the run that was not killed",
        ),
    },
    "train(data, 6) and train(data, 6, killed_at=3) give equal losses and equal weights, tensor by tensor",
)


exhibit(
    "24.3",
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


def _downhill(net, image, mask, window, overlap):
    "The cousin in a mirror: the row falls where it used to rise."
    return run.blends_by_the_mean(net, image, mask, window, overlap).flip(-1)


exhibit(
    "24.4",
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
        "mean up to the edge, downhill": (
            lambda: _downhill,
            "This row falls from 1 to 0 in two steps: a step down is a step, too, so take its size with abs()",
        ),
    },
    "Its ramp over eight pixels takes steps of up to 0.2: allow 0.25",
)

"""Solutions of lesson 08, and answers that must be refused."""
from pconv_edu.course.exercises.lesson_08 import suspect_gram
from pconv_edu.losses.style import gram_matrix


def half_gram(features):
    flat = features.flatten(2)
    flat = flat * (flat.shape[1] * flat.shape[2]) ** -.5
    return flat @ flat.mT


right = {"8.1": [[1, 2 / 3], [2 / 3, 5 / 6]], "8.2": half_gram, "8.3": {"a", "c", "e"}}
wrong = {
    "8.1": [[[6, 4], [4, 5]], [[2, 4 / 3], [4 / 3, 5 / 3]], [[1, 1], [1, 1]], [1, 2]],
    "8.2": [
        suspect_gram, gram_matrix, lambda f: half_gram(f) * f.shape[1], lambda f: half_gram(f)[0],
        lambda f: gram_matrix(f).half(), lambda f: half_gram(f.float()).half(),
        lambda f: (f / f[0].numel()).flatten(2) @ f.flatten(2).mT,  # all on one side: small features vanish
    ],
    "8.3": [{"e"}, {"a", "b", "c", "e"}, {"a", "d", "e"}, {"a", "c", "e", "f"}, {"a", "c", "e", "g"}],
}

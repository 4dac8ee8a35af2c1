"""IScore and FID are those of the formulas; weights that cannot be had are an error that says what to do."""
import math
import sys

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from pconv_edu import learned_metrics
from pconv_edu.learned_metrics import (
    ALEXNET_URL, INCEPTION_URL, LearnedMetrics, frechet_distance, inception_score, weights_at,
)

torch.manual_seed(0)
FAKE, REAL = torch.randn(40, 5) * torch.arange(1, 6) + 1, torch.randn(50, 5)
PICTURES = torch.rand(6, 3, 16, 16)


try: learned_metrics._metrics()
except ImportError: pytestmark = pytest.mark.skip("torchmetrics is not installed")


@pytest.fixture
def offline(monkeypatch, tmp_path):
    "An empty cache, and no network."
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "hub"))
    def refused(*args, **options): raise OSError("no route to host")
    monkeypatch.setattr("urllib.request.urlopen", refused)
    monkeypatch.setattr("torch.hub.urlopen", refused)
    yield tmp_path
    torch.hub.set_dir(before)


def test_iscore_is_its_formula():
    logits = torch.randn(30, 7).double()
    p = logits.softmax(1).numpy()
    wanted = math.exp(np.mean([sum(q * math.log(q / m) for q, m in zip(row, p.mean(0))) for row in p]))
    assert inception_score(logits, splits=1)[0] == pytest.approx(wanted, abs=1e-9) and math.isnan(
        inception_score(logits, splits=1)[1]
    )
    assert inception_score(torch.eye(4) * 1e3, splits=1)[0] == pytest.approx(4) and inception_score(
        torch.zeros(4, 9), splits=1
    )[0] == pytest.approx(1)


def test_iscore_does_not_depend_on_what_ran_before():
    """Pictures shuffled by the global generator: two evaluations of one method differ."""
    logits = torch.randn(40, 7)
    torch.manual_seed(1)
    first = inception_score(logits, splits=4)
    torch.rand(5)
    state = torch.get_rng_state()
    assert inception_score(logits, splits=4) == first and first[1] > 0
    assert torch.equal(torch.get_rng_state(), state)  # and leaves torch's generator as it was
    with pytest.raises(ValueError, match="7 pictures in 4 parts"): inception_score(logits[:7], splits=4)


def test_iscore_of_parts_of_nearly_equal_size():
    """25 pictures in 10 parts: the library cuts eight of three and one of a single picture, which always scores 1,
    and its interval was that of 10 parts.
    """
    from scipy.stats import t
    logits = torch.randn(25, 9).double() * 5
    shuffled = logits[torch.randperm(25, generator=torch.Generator().manual_seed(0))].tolist()
    parts = [
        np.exp(part) / np.exp(part).sum(1, keepdims=True)
        for part in (
            np.array(shuffled[i:j])
            for i, j in [(0, 3), (3, 6), (6, 9), (9, 12), (12, 15), (15, 17), (17, 19), (19, 21), (21, 23), (23, 25)]
        )
    ]
    scores = [math.exp((p * np.log(p / p.mean(0))).sum(1).mean()) for p in parts]
    mean, half = inception_score(logits, splits=10)
    assert mean == pytest.approx(np.mean(scores)) and half == pytest.approx(
        t.ppf(0.975, 9) * np.std(scores, ddof=1) / 10**0.5
    )


def test_fid_is_its_formula():
    fake, real = FAKE.double().numpy(), REAL.double().numpy()
    a, b = np.cov(fake, rowvar=False), np.cov(real, rowvar=False)
    wanted = ((fake.mean(0) - real.mean(0)) ** 2).sum() + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet_distance(FAKE, REAL) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(REAL, REAL) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match="1 filled ones and 50 photos"): frechet_distance(FAKE[:1], REAL)


def eye(levels):
    assert levels.dtype == torch.uint8
    return levels.float().mean((2, 3)) / 64


def test_stand_in_networks_see_levels_and_the_batch_does_not_matter():
    learned = LearnedMetrics(inception=eye, alexnet=lambda a, b: (a - b).abs().mean((1, 2, 3)), splits=2)
    whole, parts = (
        learned.look(PICTURES, PICTURES.flip(0)),
        [learned.look(PICTURES[i : i + 2], PICTURES.flip(0)[i : i + 2]) for i in (0, 2, 4)],
    )
    assert torch.allclose(whole[0]["lpips"], torch.cat([columns["lpips"] for columns, _ in parts]))
    one, many = learned.of_set([whole[1]]), learned.of_set([seen for _, seen in parts])
    assert (
        one["iscore"] == pytest.approx(many["iscore"])
        and one["fid"][0] == pytest.approx(many["fid"][0])
        and math.isnan(one["fid"][1])
    )


def test_only_what_is_asked_for_is_loaded(offline):
    assert LearnedMetrics(("iscore",), inception=eye).look(PICTURES, PICTURES)[0] == {}
    assert set(
        LearnedMetrics(("fid",), inception=eye).of_set(
            [LearnedMetrics(("fid",), inception=eye).look(PICTURES, PICTURES)[1]]
        )
    ) == {"fid"}
    with pytest.raises(ValueError, match="'beauty' is unknown; there are iscore, fid, lpips"):
        LearnedMetrics(("beauty",))


@pytest.mark.parametrize("name, url", [("iscore", INCEPTION_URL), ("fid", INCEPTION_URL), ("lpips", ALEXNET_URL)])
def test_weights_that_cannot_be_had_are_never_silently_left_out(offline, name, url):
    """A score that vanishes from the table where its weights are missing."""
    with pytest.raises(RuntimeError) as error: LearnedMetrics((name,))
    text, file = str(error.value), url.rsplit("/", 1)[-1]
    assert (
        file in text
        and url in text
        and str(offline / "hub") in text
        and "no route to host" in text
        and "give its path" in text
    )
    assert torch.hub.get_dir() == str(offline / "hub")


def test_a_given_file_is_used_and_the_cache_stays_as_it_was(offline):
    torch.save({"w": torch.arange(3.)}, offline / "mine.pth")
    with weights_at(ALEXNET_URL, offline / "mine.pth", "LPIPS"): found = torch.hub.load_state_dict_from_url(ALEXNET_URL)
    assert (
        found["w"].tolist() == [0, 1, 2]
        and torch.hub.get_dir() == str(offline / "hub")
        and not (offline / "hub").exists()
    )


def test_a_file_of_other_weights_is_named(offline):
    torch.save({"w": torch.arange(3.)}, offline / "other.pth")
    with pytest.raises(RuntimeError, match="IScore needs the weights weights-inception.*other.pth"):
        LearnedMetrics(("iscore",), inception=offline / "other.pth")
    with pytest.raises(RuntimeError, match="there is no file"): LearnedMetrics(("fid",), inception=offline / "none.pth")


def test_a_file_that_would_run_code_is_refused(offline):
    """Weights as a pickle: loading them runs whatever the file says."""
    class Run:
        def __reduce__(self): return exec, (f"open({str(offline / 'ran')!r}, 'w')",)
    torch.save({"w": Run()}, offline / "evil.pth")
    with pytest.raises(RuntimeError, match="evil.pth"): LearnedMetrics(("fid",), inception=offline / "evil.pth")
    assert not (offline / "ran").exists()


def test_without_the_extra_the_sentence_says_how_to_get_it(monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "torchmetrics"]: monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(ImportError, match=r"pconv_edu\[metrics\]"): LearnedMetrics()
    with pytest.raises(ImportError, match=r"pconv_edu\[metrics\]"): learned_metrics.frechet_distance(FAKE, REAL)

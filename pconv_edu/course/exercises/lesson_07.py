"""Judges of lesson 07: the perceptual loss; and a normalisation with planted bugs."""
import torch

from pconv_edu.course.exercises import exercise

MEAN, STD = (torch.tensor(v).view(3, 1, 1) for v in ((.485, .456, .406), (.229, .224, .225)))


def suspect_normalise(image: torch.Tensor) -> torch.Tensor:
    "Prepares pictures for VGG-16, wrongly in two ways. Find them by what it returns before you read on here."
    return (image.flip(1) * 2 - 1 - MEAN) / STD


@exercise("7.1")
def size_of_the_second_level(answer):
    hints = {
        128 * 96 * 96: "each pooling halves height and width, and two have happened",
        128 * 48 * 48: "that is after one halving; the second level has two",
        256 * 12 * 12: "that is how many Ψ₃ holds, with 256 channels, or 64 channels of 24 × 24; Ψ₂ has 128 channels",
        64 * 48 * 48: "that is how many Ψ₁ holds, with 64 channels, or 256 channels of 24 × 24; Ψ₂ has 128 channels",
        24 * 24: "that is one channel; Ψ₂ has 128",
    }
    if int(answer) != 128 * 24 * 24:
        return hints.get(int(answer), "channels × height × width: 128 channels, 96 halved twice")


@exercise("7.2")
def normalise(answer):
    image = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    got, wanted = answer(image), (image - MEAN) / STD
    if got.shape != wanted.shape: return f"it returns shape {list(got.shape)} for pictures of shape {list(image.shape)}"
    if torch.allclose(got, wanted, atol=1e-5): return None
    if torch.allclose(got, (image.flip(1) - MEAN) / STD, atol=1e-5):
        return "red and blue are still swapped: these weights were trained on RGB"
    if torch.allclose(got, (image * 2 - 1 - MEAN) / STD, atol=1e-5):
        return "the picture still goes to [−1, 1] first; mean and std are those of [0, 1]"
    if torch.allclose(got, image - MEAN, atol=1e-5): return "the division by the standard deviation is missing"
    if torch.allclose(got, image / STD - MEAN, atol=1e-5): return "first subtract, then divide: mind the brackets"
    return "(image − mean) / std, each channel with its own mean and std: IMAGENET_MEAN and IMAGENET_STD as [3,1,1]"

"""The losses of the paper, one module for each term: `from pconv_edu.losses import InpaintingLoss`."""
from pconv_edu.losses.perceptual import VGG16Features, perceptual_loss
from pconv_edu.losses.pixel import composite, hole_loss, valid_loss
from pconv_edu.losses.style import gram_matrix, style_loss
from pconv_edu.losses.total import TERMS, InpaintingLoss, LossWeights, Term
from pconv_edu.losses.tv import hole_ring, tv_loss

__all__ = ["composite", "valid_loss", "hole_loss", "VGG16Features", "perceptual_loss", "gram_matrix", "style_loss",
           "hole_ring", "tv_loss", "TERMS", "Term", "LossWeights", "InpaintingLoss"]

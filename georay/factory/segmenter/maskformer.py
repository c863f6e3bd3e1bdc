"""A small MaskFormer (transformers' class) as a training task.

It exists so that MaskFormer's code path runs on masks that mean something; it is no replacement
for the published checkpoints.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import (
    MaskFormerConfig,
    MaskFormerDetrConfig,
    MaskFormerForInstanceSegmentation,
    MaskFormerImageProcessorPil,
    ResNetConfig,
)

from georay.config.segmenter import TrainSegmenterRecipe
from georay.factory.segmenter.camvid import CLASSES, NUM_CLASSES, VOID
from georay.factory.segmenter.loop import Batch
from georay.factory.segmenter.losses import segmentation_loss
from georay.locatability.labels import ADE20K_LABELS
from georay.models.segmenters.label_maps import ade20k_ids
from georay.models.segmenters.network import normalise

SHORTEST_EDGE = 256


def small_maskformer() -> MaskFormerForInstanceSegmentation:
    """An untrained MaskFormer of about 2 million parameters with CamVid's classes.

    Its backbone is a ResNet: from random weights a Swin learns too little in minutes.
    """
    labels = [ADE20K_LABELS[index] for index in ade20k_ids(CLASSES)]
    stages = ["stage1", "stage2", "stage3", "stage4"]
    config = MaskFormerConfig(
        backbone_config=ResNetConfig(
            embedding_size=32,
            hidden_sizes=[32, 64, 128, 256],
            depths=[2, 2, 2, 1],
            layer_type="basic",
            out_features=stages,
        ),
        decoder_config=MaskFormerDetrConfig(
            d_model=64,
            decoder_layers=2,
            decoder_ffn_dim=128,
            decoder_attention_heads=4,
            encoder_attention_heads=4,
            num_queries=NUM_CLASSES,
            dropout=0.0,
        ),
        fpn_feature_size=64,
        mask_feature_size=64,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )
    return MaskFormerForInstanceSegmentation(config)


def small_image_processor() -> MaskFormerImageProcessorPil:
    """The preprocessing that the small MaskFormer is trained for."""
    return MaskFormerImageProcessorPil(
        size={"shortest_edge": SHORTEST_EDGE, "longest_edge": 2 * SHORTEST_EDGE}, size_divisor=32
    )


class SmallMaskFormerTask:
    """Fixed matching (Cheng et al. 2021, table 4): query k answers for class k.

    The paper's set matching reaches further, but not within the minutes that this model gets.
    """

    network: nn.Module

    def __init__(self, recipe: TrainSegmenterRecipe, class_weights: Tensor) -> None:
        torch.manual_seed(recipe.seed)
        self.network = small_maskformer()
        # Queries start far apart, as in the original code; transformers' 0.02 learns them slowly.
        nn.init.normal_(self.network.model.transformer_module.queries_embedder.weight, std=2.0)
        self._recipe = recipe
        self._class_weights = class_weights

    def parameter_groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.network.parameters()), "lr": self._recipe.learning_rate}]

    def loss(self, batch: Batch) -> Tensor:
        output = self.network(normalise(batch.pixels))
        target = batch.classes[:, ::2, ::2]
        masks = F.interpolate(output.masks_queries_logits.float(), scale_factor=2, mode="bilinear")
        semantic = segmentation_loss(
            masks, target, self._class_weights, overlap=self._recipe.overlap_loss, void=VOID
        )
        known = (target != VOID).unsqueeze(1)
        truth = (target.unsqueeze(1) == torch.arange(NUM_CLASSES).view(-1, 1, 1)) & known
        alone = F.binary_cross_entropy_with_logits(masks, truth.float(), known.float())
        present = truth.flatten(2).any(dim=2)
        labels = torch.where(present, torch.arange(NUM_CLASSES), NUM_CLASSES)
        return (
            semantic
            + alone
            + F.cross_entropy(output.class_queries_logits.float().transpose(1, 2), labels)
        )

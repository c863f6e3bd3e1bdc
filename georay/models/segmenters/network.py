"""The network of the small segmenter: an EfficientNet-Lite0 encoder and a light top-down decoder.

Encoder: the Lite variant of Tan & Le 2019 (no squeeze-excite, ReLU6), as in TensorFlow's release.
Decoder: a feature pyramid (Lin et al. 2017) of separable convolutions with a global context
term, read out at stride 4 and refined at stride 2.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

STAGES = (
    # expansion, kernel, stride, channels, repeats
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
STEM_CHANNELS = 32
TAPPED_STAGES = (0, 1, 2, 4, 6)
"""Stages whose output the decoder reads, at strides 2, 4, 8, 16 and 32."""

STRIDE = 32
"""Input sides must be multiples of this; callers resize or pad."""


class DepthwiseConv(nn.Conv2d):
    """Depthwise convolution that stays in float32 under autocast: on CPUs bf16 is slower here."""

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float())


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and, where asked, ReLU6."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        activate: bool = True,
    ) -> None:
        convolution = DepthwiseConv if groups > 1 else nn.Conv2d
        padding = kernel // 2 if stride == 1 else 0
        layers: list[nn.Module] = [
            convolution(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
        ]
        if stride > 1:
            # TensorFlow's "same" padding of an even side: the odd pixel goes right and below.
            layers.insert(0, nn.ZeroPad2d(((kernel - 2) // 2, (kernel - 1) // 2) * 2))
        if activate:
            layers.append(nn.ReLU6(inplace=True))
        super().__init__(*layers)


class InvertedResidual(nn.Module):
    """MobileNet-v2 block: expand, depthwise, project, and add the input where shapes allow."""

    def __init__(
        self, inputs: int, outputs: int, *, expansion: int, kernel: int, stride: int
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.adds_input = stride == 1 and inputs == outputs
        self.expand = ConvNorm(inputs, hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(hidden, hidden, kernel, stride=stride, groups=hidden)
        self.project = ConvNorm(hidden, outputs, 1, activate=False)

    def forward(self, features: Tensor) -> Tensor:
        projected = self.project(self.depthwise(self.expand(features)))
        return projected.add_(features) if self.adds_input else projected


class Encoder(nn.Module):
    """EfficientNet-Lite0 without its classifier: [N, 3, H, W] -> five maps, strides 2 to 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, STEM_CHANNELS, 3, stride=2)
        channels = STEM_CHANNELS
        stages = []
        for expansion, kernel, stride, outputs, repeats in STAGES:
            blocks = []
            for index in range(repeats):
                blocks.append(
                    InvertedResidual(
                        channels,
                        outputs,
                        expansion=expansion,
                        kernel=kernel,
                        stride=stride if index == 0 else 1,
                    )
                )
                channels = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, images: Tensor) -> list[Tensor]:
        features = self.stem(images)
        maps = []
        for index, stage in enumerate(self.stages):
            features = stage(features)
            if index in TAPPED_STAGES:
                maps.append(features)
        return maps


class Refine(nn.Module):
    """Two separable convolutions around a residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ConvNorm(width, width, 5, groups=width, activate=False),
            ConvNorm(width, width, 1),
            ConvNorm(width, width, 3, groups=width, activate=False),
            ConvNorm(width, width, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features).add_(features)


class Detail(nn.Module):
    """What stride 2 adds to the logits of stride 4: poles, palms and people are thinner than it."""

    def __init__(self, inputs: int, fine: int, num_classes: int, width: int = 24) -> None:
        super().__init__()
        self.coarse = ConvNorm(inputs, width, 1, activate=False)
        self.fine = ConvNorm(fine, width, 1, activate=False)
        self.refine = Refine(width)
        self.head = nn.Conv2d(width, num_classes, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, fused: Tensor, fine: Tensor, logits: Tensor) -> Tensor:
        features = self.fine(fine).add_(_twice(self.coarse(fused)))
        return self.head(self.refine(features)).add_(_twice(logits))


def _twice(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)


class SmallSegmenterNetwork(nn.Module):
    """Normalised images [N, 3, H, W] -> class logits [N, num_classes, H / 2, W / 2].

    H and W must be multiples of 32.
    """

    def __init__(self, num_classes: int, width: int = 96) -> None:
        super().__init__()
        tapped = [STAGES[index][3] for index in TAPPED_STAGES]
        self.encoder = Encoder()
        self.laterals = nn.ModuleList(
            ConvNorm(channels, width, 1, activate=False) for channels in tapped[1:]
        )
        self.context = nn.Sequential(nn.Conv2d(tapped[-1], width, 1), nn.ReLU6(inplace=True))
        self.refine = nn.ModuleList(Refine(width) for _ in tapped[1:])
        self.edges = ConvNorm(tapped[0], width // 2, 3, stride=2)
        self.fuse = nn.Sequential(ConvNorm(width + width // 2, width, 1), Refine(width))
        self.dropout = nn.Dropout2d(0.1)
        self.head = nn.Conv2d(width, num_classes, 1)
        self.detail = Detail(width, tapped[0], num_classes)

    def forward(self, images: Tensor) -> Tensor:
        fine, *maps = self.encoder(images)
        top = self.context(F.adaptive_avg_pool2d(maps[-1], 1))
        merged = self.refine[-1](self.laterals[-1](maps[-1]).add_(top))
        for level in range(len(maps) - 2, -1, -1):
            merged = self.refine[level](self.laterals[level](maps[level]).add_(_twice(merged)))
        fused = self.fuse(torch.cat([merged, self.edges(fine)], dim=1))
        return self.detail(fused, fine, self.head(self.dropout(fused)))


def normalise(pixels: Tensor) -> Tensor:
    """uint8 RGB [N, 3, H, W] -> float32 as the encoder's ImageNet weights expect it."""
    mean = torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1)
    deviation = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    return (pixels.float() - mean) / deviation

"""The small network rewritten for inference: same function, fewer and faster operations."""

from typing import cast

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils.fusion import fuse_conv_bn_eval

from georay.models.segmenters.network import ConvNorm, SmallSegmenterNetwork


def _quick(convolution: nn.Conv2d) -> nn.Conv2d:
    """Keeps a 1×1 convolution of a single image away from torch's slow path.

    On one thread torch sends it to a plain matrix product; one that calls itself dilated goes
    to oneDNN, about twice as fast. Dilation does nothing to a kernel of one pixel.
    """
    if convolution.kernel_size == (1, 1):
        convolution.dilation = (2, 2)
    return convolution


def folded(network: SmallSegmenterNetwork) -> SmallSegmenterNetwork:
    """The network in evaluation mode with norms, paddings and 1×1 convolutions rewritten.

    Changes the network given.
    """
    parents = [part for part in network.eval().modules() if not isinstance(part, ConvNorm)]
    for parent in parents:
        for name, child in list(parent.named_children()):
            if isinstance(child, ConvNorm):
                setattr(parent, name, _folded_block(child))
            elif isinstance(child, nn.Conv2d):
                _quick(child)
    return network.to(memory_format=torch.channels_last)


def _folded_block(block: ConvNorm) -> nn.Module:
    layers = list(block)
    padded = isinstance(layers[0], nn.ZeroPad2d)
    position = 1 if padded else 0
    norm = cast(nn.BatchNorm2d, layers[position + 1])
    convolution = fuse_conv_bn_eval(cast(nn.Conv2d, layers[position]), norm)
    if padded:
        convolution = _evenly_padded(convolution)
    return nn.Sequential(_quick(convolution), *layers[position + 2 :])


def _evenly_padded(convolution: nn.Conv2d) -> nn.Conv2d:
    """A stride-2 convolution that pads one pixel less before than after, made symmetric.

    A row and a column of zeros before the kernel shift it by the missing pixel, so that
    the convolution pads by itself and no padded copy of its input is made.
    """
    weight = F.pad(convolution.weight.detach(), (1, 0, 1, 0))
    kernel = weight.shape[-1]
    even = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        kernel,
        stride=convolution.stride[0],
        padding=kernel // 2 - 1,
        groups=convolution.groups,
    )
    even.weight.data = weight
    assert convolution.bias is not None
    even.bias = convolution.bias
    return even

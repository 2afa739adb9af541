"""Transformer encoders: blocks of attention and a perceptron, on tokens of any number.

Source: Dosovitskiy et al., *An Image is Worth 16x16 Words* (ICLR 2021). Layer normalisation stands before the
attention and before the perceptron (pre-norm), and once more at the end of an encoder.
"""

from __future__ import annotations

import math

import torch
from torch import nn


class Dense(nn.Conv2d):
    """A linear map of each token, (N, T, D) to (N, T, D'), computed as a convolution of 1×1.

    It has the weights and the initial weights of `nn.Linear`. Where the CPU's instructions are portable, MKL multiplies
    matrices with SSE2, and oneDNN convolves with AVX2, which takes half as long.
    """

    def __init__(self, dims: int, to: int) -> None:
        super().__init__(dims, to, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Maps (N, T, D) to (N, T, D')."""
        # (N, T, D) is (N, D, 1, T) with its channels last: nothing is copied.
        return super().forward(tokens.transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)


class Attention(nn.Module):
    """Scaled dot-product attention among the tokens of an example.

    Written out, not torch's fused kernel: that one has no second derivatives on a CPU, which a Fisher penalty needs.

    Args:
        dims: Dimensions D of a token, a multiple of `heads`.
        heads: Attention heads.
    """

    def __init__(self, dims: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.enter = Dense(dims, 3 * dims)
        self.leave = Dense(dims, dims)

    def forward(self, tokens: torch.Tensor, allowed: torch.Tensor | None = None) -> torch.Tensor:
        """Maps (N, T, D) to (N, T, D).

        Args:
            tokens: (N, T, D).
            allowed: bool (N, T, T): which tokens (last) each token attends to, at least one; None: to all.
        """
        count, number, dims = tokens.shape
        parted = self.enter(tokens).view(count, number, 3, self.heads, dims // self.heads)
        query, key, value = parted.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(2, 3) / math.sqrt(dims // self.heads)
        if allowed is not None:
            scores = scores.masked_fill(~allowed[:, None], -math.inf)
        mixed = scores.softmax(3) @ value
        return self.leave(mixed.transpose(1, 2).reshape(count, number, dims))


class Block(nn.Module):
    """A block: tokens + attention, then + a perceptron of one hidden layer (GELU), each of normalised tokens."""

    def __init__(self, dims: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dims)
        self.attention = Attention(dims, heads)
        self.norm2 = nn.LayerNorm(dims)
        self.perceptron = nn.Sequential(Dense(dims, expansion * dims), nn.GELU(), Dense(expansion * dims, dims))

    def forward(self, tokens: torch.Tensor, allowed: torch.Tensor | None = None) -> torch.Tensor:
        """Maps (N, T, D) to (N, T, D); `allowed` as for `Attention`."""
        tokens = tokens + self.attention(self.norm1(tokens), allowed)
        return tokens + self.perceptron(self.norm2(tokens))


class Encoder(nn.Module):
    """Blocks and a last normalisation. Tokens come and go as (N, D, T), as maps of convolutions do.

    Args:
        dims: Dimensions D of a token.
        layers: Blocks.
        heads: Attention heads of each.
        expansion: Hidden units of the perceptron of a block, in D.
    """

    def __init__(self, dims: int, layers: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(dims, heads, expansion) for _ in range(layers))
        self.norm = nn.LayerNorm(dims)

    def forward(self, tokens: torch.Tensor, allowed: torch.Tensor | None = None) -> torch.Tensor:
        """Maps (N, D, T) to (N, D, T), any T; `allowed` as for `Attention`."""
        held = tokens.transpose(1, 2)
        for block in self.blocks:
            held = block(held, allowed)
        return self.norm(held).transpose(1, 2)

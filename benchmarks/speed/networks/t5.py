"""An encoder-decoder of T5-small's shape, with random weights: the encoder and one decoder step.

The encoder's component ends with the keys and values that the decoder's layers make of its result,
as an app would compute them once. The decoder's step holds its keys and values outside, in caches
of a fixed size, as inputs and outputs.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from benchmarks.speed.networks.network import Network

LAYERS, HEADS, WIDTH, HEAD, INNER, WORDS = 6, 8, 512, 64, 2048, 32128
BUCKETS, FAR = 32, 128
TOKENS = 32  # of the encoder
STEPS = 64  # that fit into the decoder's caches
POSITION = 40  # of the step that is measured
HIDDEN_BY_MASK = -1e9


class Norm(torch.nn.Module):
    """T5's norm: no mean, no bias."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape that ends in WIDTH."""
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class FeedForward(torch.nn.Module):
    """Two dense layers with a ReLU between, around them a norm and an addition."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = Norm()
        self.inner = dense(WIDTH, INNER, WIDTH**-0.5)
        self.outer = dense(INNER, WIDTH, INNER**-0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, n, WIDTH) to the same shape."""
        return x + self.outer(torch.relu(self.inner(self.norm(x))))


class Attention(torch.nn.Module):
    """T5's attention: scores are not scaled; the query's weights make up for it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = Norm()
        self.query = dense(WIDTH, HEADS * HEAD, (WIDTH * HEAD) ** -0.5)
        self.key = dense(WIDTH, HEADS * HEAD, WIDTH**-0.5)
        self.value = dense(WIDTH, HEADS * HEAD, WIDTH**-0.5)
        self.out = dense(HEADS * HEAD, WIDTH, (HEADS * HEAD) ** -0.5)

    def forward(
        self,
        x: torch.Tensor,
        query: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        bias: torch.Tensor | None,
    ) -> torch.Tensor:
        """What `x` becomes: (1, n, WIDTH), with keys and values (1, HEADS, m, HEAD)."""
        mixed = functional.scaled_dot_product_attention(
            query, keys, values, attn_mask=bias, scale=1.0
        )
        return x + self.out(mixed.transpose(1, 2).reshape(1, -1, HEADS * HEAD))


class Encoder(torch.nn.Module):
    """Token ids to the keys and values of the decoder's cross-attention."""

    def __init__(self, embedding: torch.nn.Embedding, cross: list[Attention]) -> None:
        super().__init__()
        self.embedding = embedding
        self.attention = torch.nn.ModuleList(Attention() for _ in range(LAYERS))
        self.feed_forward = torch.nn.ModuleList(FeedForward() for _ in range(LAYERS))
        self.norm = Norm()
        self.cross_key = torch.nn.ModuleList(layer.key for layer in cross)
        self.cross_value = torch.nn.ModuleList(layer.value for layer in cross)
        positions = torch.arange(TOKENS)
        self.register_buffer("bias", position_bias(positions, positions, both_ways=True))

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids, (1, TOKENS), to keys and values, (LAYERS, HEADS, TOKENS, HEAD) each."""
        x = self.embedding(ids)
        for attention, feed_forward in zip(self.attention, self.feed_forward, strict=True):
            normed = attention.norm(x)
            query, keys, values = (
                heads(project(normed))
                for project in (attention.query, attention.key, attention.value)
            )
            x = feed_forward(attention(x, query, keys, values, self.bias))
        x = self.norm(x)
        keys = torch.cat([heads(project(x)) for project in self.cross_key])
        return keys, torch.cat([heads(project(x)) for project in self.cross_value])


class Step(torch.nn.Module):
    """One token through the decoder."""

    def __init__(self, embedding: torch.nn.Embedding, cross: list[Attention]) -> None:
        super().__init__()
        self.embedding = embedding
        self.attention = torch.nn.ModuleList(Attention() for _ in range(LAYERS))
        # Its keys and values are the encoder's: only the rest belongs to this component.
        self.cross_norm = torch.nn.ModuleList(layer.norm for layer in cross)
        self.cross_query = torch.nn.ModuleList(layer.query for layer in cross)
        self.cross_out = torch.nn.ModuleList(layer.out for layer in cross)
        self.feed_forward = torch.nn.ModuleList(FeedForward() for _ in range(LAYERS))
        self.norm = Norm()
        positions = torch.arange(STEPS)
        bias = position_bias(positions, positions, both_ways=False)[0].transpose(0, 1)
        later = positions[None, :] > positions[:, None]
        bias = bias.masked_fill(later[:, None], HIDDEN_BY_MASK)
        # A row for each position: (STEPS, HEADS, STEPS).
        self.register_buffer("bias", bias.contiguous())
        self.register_buffer("steps", positions)

    def forward(  # noqa: PLR0917 (the inputs of the component)
        self,
        previous: torch.Tensor,
        position: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        cross_keys: torch.Tensor,
        cross_values: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The previous token, (1, 1), its position, (1,), and the caches to logits and caches."""
        x = self.embedding(previous)
        bias = self.bias[position][:, :, None]
        here = (self.steps == position)[None, None, :, None]
        new_keys, new_values = [], []
        for layer, attention in enumerate(self.attention):
            normed = attention.norm(x)
            key = torch.where(here, heads(attention.key(normed)), keys[layer : layer + 1])
            value = torch.where(here, heads(attention.value(normed)), values[layer : layer + 1])
            x = attention(x, heads(attention.query(normed)), key, value, bias)
            query = heads(self.cross_query[layer](self.cross_norm[layer](x)))
            mixed = functional.scaled_dot_product_attention(
                query,
                cross_keys[layer : layer + 1],
                cross_values[layer : layer + 1],
                scale=1.0,
            )
            x = x + self.cross_out[layer](mixed.transpose(1, 2).reshape(1, -1, HEADS * HEAD))
            x = self.feed_forward[layer](x)
            new_keys.append(key)
            new_values.append(value)
        # The embedding's table is the last layer's too, as in T5.
        logits = functional.linear(self.norm(x) * WIDTH**-0.5, self.embedding.weight)
        return logits[0], torch.cat(new_keys), torch.cat(new_values)


def heads(x: torch.Tensor) -> torch.Tensor:
    """(1, n, HEADS * HEAD) to (1, HEADS, n, HEAD)."""
    return x.reshape(1, -1, HEADS, HEAD).transpose(1, 2)


def dense(inputs: int, outputs: int, deviation: float) -> torch.nn.Linear:
    """A dense layer without a bias, with T5's initial weights."""
    layer = torch.nn.Linear(inputs, outputs, bias=False)
    torch.nn.init.normal_(layer.weight, 0.0, deviation)
    return layer


def position_bias(queries: torch.Tensor, keys: torch.Tensor, *, both_ways: bool) -> torch.Tensor:
    """T5's relative position bias, (1, HEADS, queries, keys), of a random table.

    Distances fall into buckets: one each for small ones, growing ones up to FAR (Raffel et al.,
    2020, section 2.1).
    """
    table = torch.randn(BUCKETS, HEADS)
    distance = queries[:, None] - keys[None, :]
    buckets = BUCKETS // 2 if both_ways else BUCKETS
    offset = (distance < 0) * buckets if both_ways else torch.zeros_like(distance)
    distance = distance.abs() if both_ways else distance.clamp(min=0)
    exact = buckets // 2
    growth = (distance.clamp(min=1) / exact).log() / math.log(FAR / exact)
    far = (exact + (growth * (buckets - exact)).long()).clamp(max=buckets - 1)
    bucket = offset + torch.where(distance < exact, distance, far)
    return table[bucket].permute(2, 0, 1)[None].contiguous()


def networks() -> dict[str, Network]:
    """Both components, and an example of a step in the middle of a text."""
    torch.manual_seed(0)
    embedding = torch.nn.Embedding(WORDS, WIDTH)
    cross = [Attention() for _ in range(LAYERS)]
    encoder, step = Encoder(embedding, cross).eval(), Step(embedding, cross).eval()
    ids = torch.randint(0, WORDS, (1, TOKENS))
    with torch.no_grad():
        cross_keys, cross_values = encoder(ids)
    past = (torch.arange(STEPS) < POSITION)[None, None, :, None]
    cache = (LAYERS, HEADS, STEPS, HEAD)
    inputs = {
        "previous": torch.tensor([[100]]),
        "position": torch.tensor([POSITION]),
        "keys": torch.randn(cache) * past,
        "values": torch.randn(cache) * past,
        "cross_keys": cross_keys,
        "cross_values": cross_values,
    }
    ranges = {"previous": (0, WORDS), "position": (0, STEPS)}
    return {
        "encoder": Network(encoder, {"ids": ids}, ("keys", "values"), {"ids": (0, WORDS)}),
        "decoder_step": Network(step, inputs, ("logits", "new_keys", "new_values"), ranges),
    }

"""CharsiuG2P's T5 as networks that `torch.export` takes: transformers' own modules in each.

Owned by you: written once, an update never touches it.

Shapes: n bytes of the input, m tokens of the output, L layers of the decoder, H heads, D units of
a head, S places in the cache.
"""

import copy
import math
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import T5ForConditionalGeneration
from transformers.activations import NewGELUActivation
from transformers.models.t5.modeling_t5 import T5DenseGatedActDense

HIDDEN = torch.finfo(torch.float32).min  # the score of a place in the cache that is still empty


def load(source: Path | str) -> T5ForConditionalGeneration:
    """Load a checkpoint's folder, or a model of the hub, in float32."""
    return T5ForConditionalGeneration.from_pretrained(source, dtype=torch.float32)


def plain(model: T5ForConditionalGeneration) -> T5ForConditionalGeneration:
    """Return a copy whose GELU multiplies: a power would be a library call for each element."""
    copied = copy.deepcopy(model)
    for module in copied.modules():
        if isinstance(module, T5DenseGatedActDense) and isinstance(module.act, NewGELUActivation):
            module.act = Gelu()
    return copied


class Gelu(nn.Module):
    """The GELU of T5 1.1: NewGELUActivation of transformers, without `pow`."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))


class Encoder(nn.Module):
    """Ids, (1, n), to their hidden states, (1, n, width)."""

    def __init__(self, model: T5ForConditionalGeneration) -> None:
        """Take the encoder of a model."""
        super().__init__()
        self.encoder = model.encoder

    def forward(self, ids: Tensor) -> Tensor:
        """Run transformers' own encoder."""
        return self.encoder(input_ids=ids).last_hidden_state


class Head(nn.Module):
    """Hidden states of the decoder to the scores of the next token."""

    def __init__(self, model: T5ForConditionalGeneration) -> None:
        """Take the last layer of a model."""
        super().__init__()
        self.lm_head = model.lm_head
        # T5 1.0 scales by this, T5 1.1 and ByT5 do not.
        self.scale = model.model_dim**-0.5 if model.config.scale_decoder_outputs else 1.0

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., width) to (..., vocabulary)."""
        return self.lm_head(hidden * self.scale if self.scale != 1.0 else hidden)


class Decoder(nn.Module):
    """A whole output so far, ids (1, m), to the scores after each token, (1, m, vocabulary)."""

    def __init__(self, model: T5ForConditionalGeneration) -> None:
        """Take the decoder of a model."""
        super().__init__()
        self.decoder, self.head = model.decoder, Head(model)

    def forward(self, ids: Tensor, hidden: Tensor) -> Tensor:
        """Run transformers' own decoder on the encoder's hidden states, (1, n, width)."""
        states = self.decoder(input_ids=ids, encoder_hidden_states=hidden, use_cache=False)
        return self.head(states.last_hidden_state)


class Prefill(nn.Module):
    """The first token: its scores, a cache with its keys and values, and those of the input."""

    def __init__(self, model: T5ForConditionalGeneration, places: int) -> None:
        """Take the decoder of a model; the cache gets `places` places."""
        super().__init__()
        self.step = Step(model, places)

    def forward(self, first: Tensor, hidden: Tensor) -> tuple[Tensor, ...]:
        """The first token, (1, 1), and the encoder's hidden states, (1, n, width).

        Returns scores, (1, vocabulary), keys and values, (L, H, S, D), and those of the input,
        (L, H, n, D), which every step needs.
        """
        cross = [block.layer[1].EncDecAttention for block in self.step.decoder.block]
        cross_keys = torch.cat([heads(layer.k(hidden), layer) for layer in cross])
        cross_values = torch.cat([heads(layer.v(hidden), layer) for layer in cross])
        empty = torch.zeros(self.step.cache)
        position = torch.zeros(1, dtype=torch.int64)
        step = self.step(first, position, empty, empty, cross_keys, cross_values)
        return (*step, cross_keys, cross_values)


class Step(nn.Module):
    """One token more, with a cache of fixed size that is written by a mask."""

    def __init__(self, model: T5ForConditionalGeneration, places: int) -> None:
        """Take the decoder of a model; the cache has `places` places."""
        super().__init__()
        self.decoder, self.head = model.decoder, Head(model)
        config = model.config
        self.cache = (config.num_decoder_layers, config.num_heads, places, config.d_kv)
        positions = torch.arange(places)
        bias = self.decoder.block[0].layer[0].SelfAttention.compute_bias(places, places)[0]
        later = positions[None, :] > positions[:, None]
        # For each position of the query its row: (S, H, 1, S).
        rows = bias.masked_fill(later, HIDDEN).transpose(0, 1)[:, :, None].contiguous()
        self.register_buffer("bias", rows.detach())
        self.register_buffer("positions", positions)

    def forward(  # noqa: PLR0917 (the inputs of the component)
        self,
        previous: Tensor,
        position: Tensor,
        keys: Tensor,
        values: Tensor,
        cross_keys: Tensor,
        cross_values: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The previous token, (1, 1), its position, (1,), and what Prefill or Step returned.

        Returns scores, (1, vocabulary), and keys and values with those of this token.
        """
        x = self.decoder.embed_tokens(previous)
        bias = self.bias[position]
        here = (self.positions == position)[:, None]
        new_keys, new_values = [], []
        for index, block in enumerate(self.decoder.block):
            own, cross, feed_forward = block.layer
            attention, normed = own.SelfAttention, own.layer_norm(x)
            key = torch.where(here, heads(attention.k(normed), attention), keys[index : index + 1])
            value = torch.where(
                here, heads(attention.v(normed), attention), values[index : index + 1]
            )
            x = x + attend(attention, normed, key, value, bias)
            normed = cross.layer_norm(x)
            there = cross_keys[index : index + 1], cross_values[index : index + 1]
            x = x + attend(cross.EncDecAttention, normed, *there)
            x = feed_forward(x)
            new_keys.append(key)
            new_values.append(value)
        scores = self.head(self.decoder.final_layer_norm(x))[0]
        return scores, torch.cat(new_keys), torch.cat(new_values)


def attend(
    attention: nn.Module, x: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None
) -> Tensor:
    """Return T5's attention, which does not scale, of one token, (1, 1, width), to all keys."""
    scores = heads(attention.q(x), attention) @ keys.transpose(2, 3)
    if bias is not None:
        scores = scores + bias
    mixed = torch.softmax(scores, dim=-1) @ values
    return attention.o(mixed.transpose(1, 2).flatten(2))


def heads(x: Tensor, attention: nn.Module) -> Tensor:
    """(1, n, H * D) to (1, H, n, D)."""
    return x.unflatten(2, (attention.n_heads, attention.key_value_proj_dim)).transpose(1, 2)

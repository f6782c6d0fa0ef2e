# Owned by you: written once, an update never touches it.
"""An LSTM layer that reads a sequence of any length in both directions, as one kernel.

torch.export keeps it as an operator, `kokoro::recurrence`; TVM gets a loop over time for it. Its
own importer would unroll the steps, which fixes the length and copies the code for each of them.
"""

from __future__ import annotations

from typing import Any

import torch
from recurrence_kernel import GATES, TILE, TILES, UNITS, kernel
from torch.nn import functional
from tvm import relax


class Recurrent(torch.nn.Module):
    """A bidirectional `torch.nn.LSTM` of one layer, written with `kokoro::recurrence`.

    Args:
        lstm: The layer whose weights it has.
    """

    def __init__(self, lstm: torch.nn.LSTM) -> None:
        super().__init__()
        if (lstm.hidden_size, lstm.num_layers, lstm.bidirectional) != (UNITS, 1, True):
            raise ValueError(f"no layer of {UNITS} units in both directions: {lstm}")
        sides = ("", "_reverse")
        inputs = [getattr(lstm, f"weight_ih_l0{side}") for side in sides]
        states = [getattr(lstm, f"weight_hh_l0{side}") for side in sides]
        biases = [
            getattr(lstm, f"bias_ih_l0{side}") + getattr(lstm, f"bias_hh_l0{side}")
            for side in sides
        ]
        tiles = [each.reshape(TILES, TILE, UNITS).transpose(1, 2) for each in states]
        self.register_buffer("inputs", torch.cat(inputs).detach())
        self.register_buffer("bias", torch.cat(biases).detach())
        self.register_buffer("states", torch.stack(tiles).contiguous().detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, steps, features) to (1, steps, 2 * UNITS)."""
        gates = functional.linear(x, self.inputs, self.bias)
        return torch.ops.kokoro.recurrence(gates, self.states)


@torch.library.custom_op("kokoro::recurrence", mutates_args=())
def recurrence(gates: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """The steps of both directions, without the inputs' share of the gates.

    Args:
        gates: (1, steps, 2 * GATES), forward and backward.
        states: (2, TILES, UNITS, TILE): the weights of the state, as the kernel reads them.

    Returns:
        (1, steps, 2 * UNITS).
    """
    steps = gates.shape[1]
    hidden = gates.new_zeros(1, steps, 2 * UNITS)
    for side in range(2):
        weight = states[side].transpose(1, 2).reshape(GATES, UNITS)
        state, cell = gates.new_zeros(UNITS), gates.new_zeros(UNITS)
        for step in range(steps) if side == 0 else reversed(range(steps)):
            given = gates[0, step, side * GATES : (side + 1) * GATES]
            enter, forget, new, out = (given + weight @ state).split(UNITS)
            cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
            state = out.sigmoid() * cell.tanh()
            hidden[0, step, side * UNITS : (side + 1) * UNITS] = state
    return hidden


@recurrence.register_fake
def _(gates: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    return gates.new_empty(1, gates.shape[1], 2 * UNITS)


def convert(node: Any, importer: Any) -> relax.Var:
    """Give TVM's importer a call of the kernel for a call of the operator."""
    gates, states = (importer.env[argument] for argument in node.args)
    called = importer.block_builder.add_func(kernel, "recurrence")
    hidden = relax.TensorType((1, gates.ty.shape[1], 2 * UNITS), "float32")
    return importer.block_builder.emit(relax.call_tir(called, [gates, states], hidden))

# Owned by you: written once, an update never touches it.
"""An LSTM layer that reads a sequence of any length in both directions, as one kernel.

torch.export keeps it as an operator, `kokoro::recurrence`; TVM gets a loop over time for it. Its
own importer would unroll the steps, which fixes the length and copies the code for each of them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional
from tvm import relax
from tvm.script import tirx as T  # noqa: N812 (the name TVM gives it)

UNITS = 256  # of every LSTM in Kokoro, for each direction
TILE = 64  # 8 AVX2 registers of partial sums: enough to hide the latency of multiply-add
GATES = 4 * UNITS  # input, forget, cell, output: PyTorch's order
TILES = GATES // TILE


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
    kernel = importer.block_builder.add_func(_recurrence, "recurrence")
    hidden = relax.TensorType((1, gates.ty.shape[1], 2 * UNITS), "float32")
    return importer.block_builder.emit(relax.call_tir(kernel, [gates, states], hidden))


@T.prim_func(s_tir=True)
def _recurrence(
    gates_handle: T.handle,
    states: T.Buffer((2, TILES, UNITS, TILE)),
    hidden_handle: T.handle,
):
    T.func_attr({"tirx.is_scheduled": True})
    steps = T.int64()
    gates = T.match_buffer(gates_handle, (1, steps, 2 * GATES))
    hidden = T.match_buffer(hidden_handle, (1, steps, 2 * UNITS))
    with T.sblock("root"):
        state = T.sblock_alloc_buffer((2, UNITS))
        cell = T.sblock_alloc_buffer((2, UNITS))
        sums = T.sblock_alloc_buffer((2, GATES))
        partial = T.sblock_alloc_buffer((TILE,), scope="local")
        for side in T.serial(2):
            for j in T.vectorized(UNITS):
                state[side, j] = T.float32(0)
                cell[side, j] = T.float32(0)
            for step in T.serial(steps):
                at: T.let = T.if_then_else(side == 0, step, steps - 1 - step)
                for tile in T.serial(TILES):
                    for j in T.vectorized(TILE):
                        partial[j] = gates[0, at, side * GATES + tile * TILE + j]
                    for k in T.serial(UNITS):
                        for j in T.vectorized(TILE):
                            partial[j] = partial[j] + state[side, k] * states[side, tile, k, j]
                    for j in T.vectorized(TILE):
                        sums[side, tile * TILE + j] = partial[j]
                for j in T.serial(UNITS):
                    cell[side, j] = T.sigmoid(sums[side, UNITS + j]) * cell[side, j] + T.sigmoid(
                        sums[side, j]
                    ) * T.tanh(sums[side, 2 * UNITS + j])
                    state[side, j] = T.sigmoid(sums[side, 3 * UNITS + j]) * T.tanh(cell[side, j])
                    hidden[0, at, side * UNITS + j] = state[side, j]

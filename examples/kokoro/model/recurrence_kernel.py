# Owned by you: written once, an update never touches it.
"""The steps of a bidirectional LSTM layer: one kernel with the loop over time inside."""

from tvm.script import tirx as T  # noqa: N812 (the name TVM gives it)

UNITS = 256  # of every LSTM in Kokoro, for each direction
TILE = 64  # 8 AVX2 registers of partial sums: enough to hide the latency of multiply-add
GATES = 4 * UNITS  # input, forget, cell, output: PyTorch's order
TILES = GATES // TILE


@T.prim_func(s_tir=True)
def kernel(  # noqa: D103 (TVM reads the function, and knows no docstrings)
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

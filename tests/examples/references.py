"""The original models, as their own packages run them."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import onnxruntime

CHUNK, CONTEXT = 512, 64


def g2p_predict() -> Callable[[str], list[str]]:
    """`G2p.predict` of g2p-en.

    Importing g2p_en downloads two corpora of NLTK's, a tagger and CMUdict, which `G2p.__call__`
    asks before it asks the network. `predict` is the network alone and needs neither.
    """
    with mock.patch("nltk.download"):
        module = importlib.import_module("g2p_en.g2p")
    with mock.patch.object(module, "cmudict", SimpleNamespace(dict=dict)):
        return module.G2p().predict


def silero_probabilities(model: Path, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The probabilities of the ONNX model over a clip, as silero-vad's `OnnxWrapper` calls it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    state = np.zeros((2, 1, 128), np.float32)
    context = np.zeros(CONTEXT, np.float32)
    probabilities = []
    for chunk in np.pad(samples, (0, -len(samples) % CHUNK)).reshape(-1, CHUNK):
        window = np.concatenate([context, chunk])[None]
        feed = {"input": window, "state": state, "sr": np.array(16000)}
        probability, state = session.run(None, feed)
        context = chunk[-CONTEXT:]
        probabilities.append(probability[0, 0])
    return np.array(probabilities)


def silero_segments(package: Path) -> Callable[..., list[dict[str, int]]]:
    """`get_speech_timestamps_from_probs` of silero-vad.

    The function needs plain Python only, but its module imports PyTorch: it is taken out alone.
    """
    name = "get_speech_timestamps_from_probs"
    module = ast.parse((package / "utils_vad.py").read_text(encoding="utf-8"))
    functions = [
        node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    assert len(functions) == 1
    scope: dict[str, Any] = {"List": list}
    code = compile(ast.Module(body=functions, type_ignores=[]), str(package), "exec")
    exec(code, scope)  # noqa: S102 (the pinned package's own code)
    return scope[name]

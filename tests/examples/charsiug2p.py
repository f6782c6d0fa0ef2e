"""What the tests of examples/charsiug2p share: the plugin, and the pins of its export script."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from example_plugins import ROOT, RUNTIME, copier_copy, tvmplug

from tvmplug import bootstrap
from tvmplug.pinned_env import ensure_environment

EXAMPLE = ROOT / "examples" / "charsiug2p"
PLUGIN = "charsiug2p_flutter"
REQUIREMENTS = EXAMPLE / "model" / "requirements.txt"
# What ByT5Tokenizer needs of transformers: no PyTorch, which is 3 GB.
TOKENIZER = (
    "annotated-doc", "anyio", "click", "filelock", "fsspec", "h11", "hf-xet", "httpcore2",
    "httpx2", "huggingface-hub", "idna", "markdown-it-py", "mdurl", "numpy", "packaging",
    "pygments", "pyyaml", "regex", "rich", "safetensors", "shellingham", "tokenizers", "tqdm",
    "transformers", "truststore", "typer", "typing-extensions",
)  # fmt: skip


def generate(folder: Path) -> Path:
    """Make the runtime plugin and charsiug2p_flutter in `folder`; return the latter's."""
    copier_copy(folder / RUNTIME, "--data", "kind=runtime")
    ignored = shutil.ignore_patterns("answers.yml", "__pycache__", "checkpoint")
    shutil.copytree(EXAMPLE, folder / PLUGIN, ignore=ignored)
    copier_copy(folder / PLUGIN, "--data-file", EXAMPLE / "answers.yml")
    return folder / PLUGIN


def build(plugin: Path) -> str:
    """Compile and build a plugin; return what the build said."""
    done = tvmplug("build", "--project", plugin)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stderr


def tokenizer_python(folder: Path) -> Path:
    """The interpreter that has transformers' tokenizers, at the pins of the example.

    Args:
        folder: Where a list of them may be written.
    """
    os.environ.setdefault("TVMPLUG_CACHE_DIR", str(ROOT / ".cache" / "tvmplug"))
    lock = folder / "tokenizer.txt"
    texts = [path.read_text() for path in (bootstrap.lock_file("compile"), REQUIREMENTS)]
    lock.write_text("".join(_chosen("".join(texts), TOKENIZER)))
    return ensure_environment("tokenizer", [lock])


def _chosen(requirements: str, names: Iterable[str]) -> list[str]:
    """The blocks of a pip requirements file that are about these packages."""
    blocks = re.findall(r"^[a-z0-9][^\\\n]*(?:\\\n[^\\\n]*)*\n", requirements, re.MULTILINE)
    wanted = set(names)
    chosen = [block for block in blocks if re.split(r"[=\s]", block)[0] in wanted]
    missing = wanted - {re.split(r"[=\s]", block)[0] for block in chosen}
    assert not missing, f"not in the lists: {missing}"
    return chosen

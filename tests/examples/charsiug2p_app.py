"""What an app does with charsiug2p_flutter. Run by test_charsiug2p.py in a process of its own.

Usage: charsiug2p_app.py LIBRARY_FOLDER < [[language, word], ...] > answers as JSON
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "rust"), str(Path(__file__).resolve().parent)]

from app import attempt  # noqa: E402 (the path is set above)
from host import Plugin  # noqa: E402

model = Plugin(Path(sys.argv[1]) / "libcharsiug2p_flutter.so", "g2p_").model()
asked = json.load(sys.stdin)
answers = {
    "tokens": [attempt(model, "tokens", *pair) for pair in asked],
    "texts": [attempt(model, "phonemize", *pair) for pair in asked],
    "languages": model.call("languages"),
    "weights": model.call("weights"),
}
json.dump(answers, sys.stdout)

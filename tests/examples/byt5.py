"""Transformers' ByT5Tokenizer on texts and ids. Run by test_charsiug2p_tokenizer.py elsewhere.

Usage: byt5.py < {"texts": [...], "ids": [[...]]} > {"ids": [[...]], "texts": [...]}
"""

from __future__ import annotations

import json
import sys

from transformers import ByT5Tokenizer

asked = json.load(sys.stdin)
tokenizer = ByT5Tokenizer()
answers = {
    "ids": [tokenizer(text, add_special_tokens=False).input_ids for text in asked["texts"]],
    "texts": [tokenizer.decode(ids, skip_special_tokens=True) for ids in asked["ids"]],
}
json.dump(answers, sys.stdout)

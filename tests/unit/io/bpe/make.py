# SPDX-License-Identifier: MIT
"""Makes tokenizer.json and cases.json with github.com/huggingface/tokenizers (PyPI: tokenizers 0.23.3): python3 make.py NOVEL.txt"""
import json
import random
import sys
import unicodedata

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

WORDS = ["I'm", "they'll", "WE'VE", "don't", "'twas", "'s", "'", " ", "  ", "\n", "\n\n", "\t", "\r\n", " \u00a0", "\u3000", "\u2028", "x1y2", "3.14159", "1,000", "\u0663\u0664", "\u00bd", "\u2167", "na\u00efve",
         "\u00dcber", "\u0421\u043b\u043e\u0432\u043e", "\u4e2d\u6587", "\u65e5\u672c", "\ud55c\uad6d\uc5b4", "\u0928\u092e\u0938\u094d\u0924\u0947", "\U0001f600\U0001f44d\U0001f3fd", "\U00020000", "\U00011f50", "e\u0323\u0302",
         "...", "?!", "--", "_id", "#include <x>", "a=b;", "\u201cquoted\u201d", "\u0000", "\u007f", "\ufffd", "\ue000", "<|endoftext|>", "<|end", "[CUT]", "word", " the", " of", "ing", "house", "aaaaaaaaaaaa", "        "]
PATCHES = [
    {},
    {"pre_tokenizer": {"add_prefix_space": True}, "model": {"ignore_merges": True}},
    {"pre_tokenizer": {"use_regex": False}},
    {"normalizer": None, "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
     "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[CUT]", "type_id": 0}}],
                        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                        "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}, "[CUT]": {"id": "[CUT]", "ids": [700], "tokens": ["[CUT]"]}}}},
]


def patched(value, patch):  # RFC 7396
    if not isinstance(patch, dict):
        return patch
    out = dict(value) if isinstance(value, dict) else {}
    for name, change in patch.items():
        if change is None:
            out.pop(name, None)
        else:
            out[name] = patched(out.get(name), change)
    return out


def main():
    random.seed(1)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator([open(sys.argv[1], encoding="utf-8").read()] + WORDS * 20, trainer)
    tokenizer.add_special_tokens([AddedToken("[CUT]", lstrip=True, rstrip=True)])
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(8, 1, -1)])
    base = json.loads(tokenizer.to_str())
    json.dump(base, open("tokenizer.json", "w"), indent=0, ensure_ascii=True)
    texts = ["", "'", " ", "   ", "Hello world", " 's", "a  b", "a \n b", "tail   ", "<|endoftext|><|endoftext|>", "x [CUT]  [CUT] y", "[CUT]\u00a0 z", "a" * 300] + WORDS
    texts += ["".join(random.choice(WORDS) + random.choice(["", " ", "  "]) for _ in range(random.randrange(1, 12))) for _ in range(60)]
    texts = [unicodedata.normalize("NFC", text) for text in texts]
    cases = []
    for patch in PATCHES:
        made = Tokenizer.from_str(json.dumps(patched(base, patch)))
        rows = []
        for text in texts:
            ids, bare = made.encode(text).ids, made.encode(text, add_special_tokens=False).ids
            rows.append([text, ids, bare, made.decode(ids, skip_special_tokens=False), made.decode(ids, skip_special_tokens=True)])
        cases.append({"patch": patch, "rows": rows})
    json.dump(cases, open("cases.json", "w"), ensure_ascii=True, separators=(",", ":"))


main()

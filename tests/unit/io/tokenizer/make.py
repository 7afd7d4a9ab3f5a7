#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tokenizer.json, ids.json and unicode.json beside itself: what tests/unit/io/byte_level_bpe.cpp and nfc.cpp hold the library to.

pip install tokenizers==0.23.3 unicodedata2==16.0.0

tokenizer.json is a small tokenizer in the form of GPT-NeoX (special tokens, runs of blanks as added tokens, NFC, no tokens for the bytes that UTF-8 does not
use), trained on the novel of the examples and the texts below. ids.json has texts and their ids by the library tokenizers, and changes to the
tokenizer (JSON merge patches) with the ids that follow. unicode.json has the library's classes of all code points and Python's NFC as checksums.
"""
import json
import os
import random
import zlib

import tokenizers
import unicodedata2
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "../../../../examples/data/prideprejudice.txt"), encoding="utf-8", newline="") as file:
    novel = file.read()
random.seed(20261201)
nfd = lambda text: unicodedata2.normalize("NFD", text)

languages = [
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.",
    "Voix ambiguë d’un cœur qui, au zéphyr, préfère les jattes de kiwis.", "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.",
    "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío, añoraba.", "Pchnąć w tę łódź jeża lub ośm skrzyń fig.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.", "Đây là một câu tiếng Việt: những người ấy đã về nhà.", "Pijamalı hasta yağız şoföre çabucak güvendi. İI ıi",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.", "Շատ լավ օր է այսօր։", "ქართული ენა და დამწერლობა",
    "עטלף אבק נס דרך מזגן שהתפוצץ כי חם", "שָׁלוֹם עֲלֵיכֶם", "نص حكيم له سر قاطع وذو شأن عظيم", "السَّلَامُ عَلَيْكُمْ", "ایک ٹیکسٹ", "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा", "आमार क़लम ज़्यादा",
    "আমি কাচ খেতে পারি, তাতে আমার কোনো ক্ষতি হয় না।", "நான் கண்ணாடி சாப்பிடுவேன், கொள்கை", "నేను గాజు తినగలను", "ಕನ್ನಡ ಲಿಪಿ ಕೊ", "മലയാളം കോ", "සිංහල ලිපිය කෝ", "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า",
    "ພາສາລາວ", "བོད་ཡིག", "မြန်မာဘာသာ", "ភាសាខ្មែរ", "ሰማይ አይታረስ ንጉሥ አይከሰስ።", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", "ᐃᓄᒃᑎᑐᑦ", "いろはにほへと ちりぬるを ガギグ", "カタカナ、ひらがな、漢字。", "ｶﾞｷﾞｸﾞ", "키스의 고유조건은 입술끼리 만나야 하고",
    "天地玄黃,宇宙洪荒。日月盈昃,辰宿列張。", "𠀀𠀁𠀂 𪛖", "𐌰𐌱𐌲 𝒜𝔅𝕮 𝟏𝟐𝟑", "ꜱᴍᴀʟʟ ᴄᴀᴘs ʰʷʸ", "ﬁﬂﬀ ǅǈ ªº",
]
special = [
    "", " ", "  ", "   ", "\n", "\n\n", "\t", "\t\t", "\r\n", "\r\n\r\n", "a", " a", "a ", " a ", "  a  ", "   a", "\ta", "a\t", "\t a", " \ta", "a\nb", "a\n b", "a \nb", "a\n\nb", "a\r\nb", "a\r\n  b\r\n",
    "a\u00a0b", "\u00a0", "\u00a0\u00a0a", " \u00a0a", "\u00a0 a", "a\u2003b", "\u3000日本", "a\u2028b\u2029c", "a\x85b", "a\x0bb\x0cc", "a\x1cb\x1dc\x1fd", "a\u200bb", "a\u180eb", "\ufeffa", "a\u200db", "a\u00adb", "a\u1680b\u202fc\u205fd",
    "a          b", "a         \n         b", "                         ", "x = 1\n    y = 2\n\tif z:\n\t\tpass\n", "    indented\n        twice\n",
    "it's I'm you're we've he'll she'd don't", "IT'S I'M YOU'RE WE'VE HE'LL SHE'D DON'T", "It'S I'Ll x'rE x'Ve", "it’s don’t", "'s 't 're 've 'm 'll 'd", "''s '''t", "'sam 'tis 'dear 'll' 'r 'v 'l", "rock'n'roll 'quoted' o'clock's", "a 's b 't", "'", "' s", "1's 2'd ²'s !'s",
    "0123456789", "3.14159 1,000,000 -5e+10", "a1b2c3", "1a 2b", " 12 34", "x² y³ z¹ ½ ¼ ⅓", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳ ०१२३ ০১২৩ ๐๑๒๓ 〇一二三", "Ⅳ ⅷ ① ⑳ ㉑ 🄀", "߀߁ ᠐᠑ 𝟘𝟙 𞥐𞥑",
    "!", "!!", "Hello, world!", "wait... what?!", "--- *** ###", "(a)[b]{c}<d>", "$5 €5 £5 ¥5 ₹5", "a+b=c", "C++20", "foo_bar __init__", "user@example.org", "https://example.org/a?b=c&d=e#f", "“quoted” ‘single’ «guillemets»", "—–‒−-", "•◦‣ §¶†‡", "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β", "©®™", "🙂", "🙂🙂", "👩‍👩‍👧‍👦", "👍🏽", "🇪🇺🇫🇷", "☎️ ❤️ #️⃣", "a🙂b 🙂 c", "\u0301", "a\u0301", "\u0301a", " \u0301", "!\u0301", "1\u0301",
    "\x00", "a\x00b", "\x01\x02\x1f\x7f", "\uffff\ufffe", "\U0010ffff", "\ufffd", "\ue000", "\u0378",
    nfd("Ångström café naïve façade"), nfd("tiếng Việt những"), nfd("한국어 각 값"), nfd("ガギグゲゴ"), nfd("Ǖ ǘ Ḝ ṩ ḍ̇"), "q\u0307\u0323 q\u0323\u0307 ḋ\u0323 s\u0307\u0323", "\u212b \u2126 \u212a \u1fef \u0340\u0341\u0343\u0344", "\u0958 \u09dc \ufb1d \ufb2c \u2adc", "\u1100\u1161\u11a8 \uac00\u11a8 \u1100\u1161\u0301 \u1161\u11a8", "\uf900\ufa0e\u2f800\U0002f800", "\u0b47\u0b3e \u0bc6\u0bbe \u1025\u102e \u30ab\u3099", "a\u0315\u0300\u05ae\u0061 \u0f71\u0f72\u0f74", "\u00c5\u0323 A\u030a\u0323",
    "<|endoftext|>", "<|endoftext|><|endoftext|>", "a<|endoftext|>b", "a <|endoftext|> b", "a  <|endoftext|>  b", "<|endoftext|>\n", "\n<|padding|>", "<|endoftext|", "<|endoftext|>>", "<<|endoftext|>>", "<|ENDOFTEXT|>", "<|endoftext|>'s", "'<|endoftext|>s", "e<|padding|>\u0301", "<|pad<|padding|>ding|>", "Ġthe", "Ċ", "a  b   c    d     e", "  <|endoftext|>   <|padding|>    ",
]
accents, bases = "\u0300\u0301\u0302\u0303\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0328\u0331\u0345", "aeiouycnszAEIOUYCNSZαηωяи"
alphabets = ["abcdefghij", "ABCDEFGHIJ", "àéîõüÿ", "абвгд", "αβγδ", "אבגד", "ابتث", "कखगि", "가각갂", "一二三", "0123", "²³½", "٣٤", "!?.,-", "'", " ", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "🙂👍", "_"]


def random_text():
    pieces = []
    for _ in range(random.randrange(1, 9)):
        kind = random.randrange(8)
        if kind < 5:
            alphabet = random.choice(alphabets)
            pieces.append("".join(random.choice(alphabet) for _ in range(random.randrange(1, 5))))
        elif kind == 5:
            pieces.append(random.choice(bases) + "".join(random.choice(accents) for _ in range(random.randrange(1, 4))))
        elif kind == 6:
            pieces.append(random.choice(["'s", "'LL", "'re", "<|endoftext|>", "<|padding|>", "    ", "\n\n", " the ", "."]))
        else:
            at = random.randrange(len(novel))
            pieces.append(novel[at:at + random.randrange(1, 30)])
    return "".join(pieces)


texts = languages + special + [novel[at:at + 120] for at in range(10000, 600000, 60000)] + [random_text() for _ in range(130)]

tokenizer = Tokenizer(models.BPE())
tokenizer.normalizer = normalizers.NFC()
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False)
tokenizer.post_processor = processors.ByteLevel(trim_offsets=True, add_prefix_space=False)
visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
hidden = [byte for byte in range(256) if byte not in visible]
unused = {0xC0, 0xC1, *range(0xF5, 0x100)}   # by UTF-8
alphabet = [chr(byte) for byte in visible if byte not in unused] + [chr(0x100 + n) for n in range(len(hidden))]
trainer = trainers.BpeTrainer(vocab_size=1000, special_tokens=["<|endoftext|>", "<|padding|>"], initial_alphabet=alphabet, show_progress=False)
tokenizer.train_from_iterator([novel] + languages * 40, trainer)
tokenizer.add_tokens([AddedToken(" " * n, normalized=True, special=False) for n in range(8, 1, -1)])
form = json.loads(tokenizer.to_str())
form["model"]["merges"] = [" ".join(merge) if isinstance(merge, list) else merge for merge in form["model"]["merges"]]   # as GPT-NeoX has them
with open(os.path.join(here, "tokenizer.json"), "w", encoding="utf-8") as file:
    json.dump(form, file, ensure_ascii=False, separators=(",", ":"))


def merge_patch(target, patch):   # RFC 7396
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        target[key] = None if value is None else merge_patch(target.get(key), value)
    return target


def added(**changes):
    out = []
    for token in form["added_tokens"]:
        token = dict(token)
        for change, contents in changes.items():
            token[change] = token["content"] in contents
        out.append(token)
    return out


gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
accented = [{"id": 1007 + n, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": normalized, "special": False}
            for n, (content, normalized) in enumerate([("e\u0301", True), ("\u00fc", False), ("Mr. ", False), ("Mr. Dar", True), ("o\u0308\u0301", False)])]
plain = {"normalizer": None, "added_tokens": [form["added_tokens"][0]], "post_processor": None}
patches = {
    "GPT-2: neither NFC nor runs of blanks": plain,
    "a blank before every piece": {**plain, "pre_tokenizer": {"add_prefix_space": True}},
    "no words": {"pre_tokenizer": {"use_regex": False}},
    "whole words that are tokens": {"model": {"ignore_merges": True, "merges": form["model"]["merges"][:60]}},
    "special tokens that take spaces along": {"added_tokens": added(lstrip=["<|endoftext|>"], rstrip=["<|padding|>"])},
    "special tokens that take spaces along on both sides": {"added_tokens": added(lstrip=["<|endoftext|>", "<|padding|>"], rstrip=["<|endoftext|>", "<|padding|>"])},
    "added tokens before and after NFC": {"added_tokens": form["added_tokens"] + accented},
    "Split and ByteLevel": {"pre_tokenizer": {"type": "Sequence", "add_prefix_space": None, "trim_offsets": None, "use_regex": None, "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": gpt2}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}},
    "NFC in a Sequence, a template that adds nothing": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]}, "post_processor": {
        "type": "TemplateProcessing", "add_prefix_space": None, "trim_offsets": None, "use_regex": None, "single": [{"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {}}},
}


def without_nulls(value):
    return {key: without_nulls(inner) for key, inner in value.items() if inner is not None} if isinstance(value, dict) else value


def rows(of, numbers):
    return "[\n" + ",\n".join(json.dumps([texts[n], of.encode(texts[n]).ids], separators=(",", ":")) for n in numbers) + "\n]"


chosen = {   # texts where a change shows
    "special tokens that take spaces along": lambda text: "<|" in text, "special tokens that take spaces along on both sides": lambda text: "<|" in text,
    "added tokens before and after NFC": lambda text: any(mark in text for mark in "\u00e9\u00fc\u0301\u0308") or "Mr." in text,
}
again = Tokenizer.from_str(json.dumps(form))
parts = [f'"tokenizers": {json.dumps(tokenizers.__version__)}', '"texts": ' + rows(again, range(len(texts)))]
variants = []
for name, patch in patches.items():
    patched = merge_patch(form, patch)
    for key in ("pre_tokenizer", "post_processor"):   # a key of another type would stay as null
        patched[key] = without_nulls(patched[key])
    wanted = [n for n, text in enumerate(texts) if chosen[name](text)] if name in chosen else range(len(languages), len(texts), 6)
    variants.append(f'{{"name": {json.dumps(name)}, "patch": {json.dumps(patch, separators=(",", ":"))},\n"texts": ' + rows(Tokenizer.from_str(json.dumps(patched)), wanted) + "}")
parts.append('"variants": [\n' + ",\n".join(variants) + "\n]")
with open(os.path.join(here, "ids.json"), "w", encoding="ascii") as file:
    file.write("{" + ",\n".join(parts) + "}\n")

# The class of each code point, by what it makes one word with, a letter to a byte; surrogates are no characters.
code_points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
split = pre_tokenizers.ByteLevel(add_prefix_space=False)
classes = "".join(next((name for name, before in (("L", "a"), ("N", "1"), ("O", "!")) if len(split.pre_tokenize_str(before + chr(c))) == 1), "S") for c in code_points)
nfc = lambda text: unicodedata2.normalize("NFC", text).encode()
assert unicodedata2.unidata_version == "16.0.0"
whole = [c for c in map(chr, code_points) if not 0xAC00 <= ord(c) < 0xD7A4 and len(nfd(c)) > 1 and not unicodedata2.decomposition(c).startswith("<")]
halves = [[chr(int(part, 16)) for part in unicodedata2.decomposition(c).split()] for c in whole]
firsts, seconds = (sorted({pair[n] for pair in halves if len(pair) == 2}) for n in (0, 1))


def checksum(strings):
    crc = 0
    for string in strings:
        crc = zlib.crc32(nfc(string) + b"\n", crc)
    return crc


with open(os.path.join(here, "unicode.json"), "w", encoding="utf-8") as file:
    json.dump({
        "version": unicodedata2.unidata_version, "letters": classes.count("L"), "numbers": classes.count("N"), "spaces": classes.count("S"), "classes_crc32": zlib.crc32(classes.encode()),
        "alone_crc32": checksum(map(chr, code_points)), "behind_crc32": checksum("a\u0301" + chr(c) for c in code_points), "before_crc32": checksum(chr(c) + "\u0323\u0301\u11a8" for c in code_points),
        "decomposed": " ".join(map(nfd, whole)), "decomposed_crc32": checksum([" ".join(map(nfd, whole))]),
        "firsts": "".join(firsts), "seconds": "".join(seconds), "pairs_crc32": checksum(a + b for a in firsts for b in seconds),
    }, file, ensure_ascii=False, indent=0)

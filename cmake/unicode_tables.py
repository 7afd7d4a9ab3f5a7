#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes include/lcsm/io/unicode_tables.hpp: python3 cmake/unicode_tables.py

Needs the data of Unicode 16.0, which Python 3.14 has by itself; others take them from PyPI: pip install unicodedata2==16.0.0
"""
import os

try:
    import unicodedata2 as ucd
except ImportError:
    import unicodedata as ucd
assert ucd.unidata_version == "16.0.0", "expected the data of Unicode 16.0.0, given " + ucd.unidata_version

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
# White_Space of PropList.txt; unicodedata does not have this property.
SPACES = {*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
HANGUL = range(0xAC00, 0xD7A4)  # by arithmetic


def vlq(number):
    """Base64 VLQ as in source maps, without a sign: five bits a digit, the lowest first, 32 added while more follow."""
    text = ""
    while number >= 32:
        text += DIGITS[32 + number % 32]
        number //= 32
    return text + DIGITS[number]


def signed(number):
    return vlq(2 * number if number >= 0 else -2 * number - 1)


def ranges(value_of):
    """[first, last, value] of neighbours with the same value; those without a value are left out."""
    out = []
    for c in CODE_POINTS:
        value = value_of(c)
        if not value:
            continue
        if out and out[-1][1] == c - 1 and out[-1][2] == value:
            out[-1][1] = c
        else:
            out.append([c, c, value])
    return out


def ranges_text(found, with_value):
    text, after = "", 0
    for first, last, value in found:
        text += vlq(first - after) + vlq(last - first) + (vlq(value) if with_value else "")
        after = last + 1
    return text


def mappings_text(found):
    text, last = "", (0, 0, 0)
    for entry in found:
        text += vlq(entry[0] - last[0]) + signed(entry[1] - last[1]) + signed(entry[2] - last[2])
        last = entry
    return text


composed, replaced = [], []
for c in CODE_POINTS:
    mapping = ucd.decomposition(chr(c))
    if c in HANGUL or not mapping or mapping.startswith("<"):
        continue
    parts = [int(part, 16) for part in mapping.split()] + [0]
    # Composition exclusions, singletons and what begins with a mark: NFC never writes them.
    (composed if ucd.normalize("NFC", chr(c)) == chr(c) else replaced).append((c, parts[0], parts[1]))


def category(initial):
    return ranges(lambda c: ucd.category(chr(c))[0] == initial)


tables = [
    ("letters", "general categories L*", ranges_text(category("L"), False)),
    ("numbers", "general categories N*", ranges_text(category("N"), False)),
    ("spaces", "White_Space", ranges_text(ranges(lambda c: c in SPACES), False)),
    ("combining_classes", "canonical combining classes other than 0", ranges_text(ranges(lambda c: ucd.combining(chr(c))), True)),
    ("compositions", "canonical decompositions that NFC composes again", mappings_text(composed)),
    ("decompositions", "those that it does not", mappings_text(replaced)),
]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "include", "lcsm", "io", "unicode_tables.hpp")
with open(path, "w", encoding="ascii", newline="\n") as file:
    file.write(f"""// SPDX-License-Identifier: MIT
// Written by cmake/unicode_tables.py. Do not edit.
#pragma once

#include <string_view>

// The Unicode Character Database, version {ucd.unidata_version}, as far as tokenizers need it, in numbers of base64 VLQ (as in source maps, without signs: five bits a
// character, the lowest first, 32 added while more follow). A range is two numbers: how many code points lie between it and the one before, how many
// follow its first; its combining class is a third. A mapping of c to a or to a, b (b = 0 stands for none) is three differences to the mapping before;
// those of a and b have their sign in the lowest bit (0, -1, 1, -2, ...).
namespace lcsm::detail::unicode {{

""")
    for name, what, text in tables:
        lines = [text[n:n + 150] for n in range(0, len(text), 150)]
        file.write(f"// {what}\ninline constexpr std::string_view {name} =\n" + "\n".join(f'    "{line}"' for line in lines) + ";\n")
    file.write("\n}  // namespace lcsm::detail::unicode\n")

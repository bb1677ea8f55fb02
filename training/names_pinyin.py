#!/usr/bin/python3
"""names_pinyin - writes the table of Hanyu Pinyin readings that common/unicode/pinyin.c embeds.

    apt-get install unicode-data
    names_pinyin.py /usr/share/unicode common/unicode/pinyin.txt

The characters of China's Table of General Standard Chinese Characters (2013) and of Big5, each with its first
kMandarin reading, without tones and with v for u with a diaeresis.
"""
import bz2
import collections
import io
import sys
import unicodedata

HEAD = '''# Hanyu Pinyin: a syllable, and the characters that are read so. Written by training/names_pinyin.py.
# source: Unicode Character Database 15.0.0, Unihan: kMandarin of the characters with kTGH or kBigFive (Debian unicode-data)
# licence: Unicode
# checked: 2026-11-24
'''


def rows(folder, file, field):
    for line in io.TextIOWrapper(bz2.open(f"{folder}/{file}.txt.bz2"), encoding="utf8"):
        cell = line.rstrip("\n").split("\t")
        if len(cell) == 3 and cell[1] == field:
            yield int(cell[0][2:], 16), cell[2]


def plain(reading):
    marked = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(c for c in marked if not unicodedata.combining(c))


def main():
    folder, out = sys.argv[1:3]
    common = {c for field in ("kTGH", "kBigFive") for c, _ in rows(folder, "Unihan_OtherMappings", field)}
    by = collections.defaultdict(str)
    for c, readings in rows(folder, "Unihan_Readings", "kMandarin"):
        if c in common and 0x4E00 <= c <= 0x9FFF:
            by[plain(readings.split(" ")[0])] += chr(c)
    with io.open(out, "w", encoding="utf8") as f:
        f.write(HEAD + "".join(f"{syllable} {by[syllable]}\n" for syllable in sorted(by)))
    print(len(by), "syllables,", sum(map(len, by.values())), "characters")


if __name__ == "__main__":
    main()

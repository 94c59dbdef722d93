#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every test that a table in docs/conformance.md or THREATS.md names exists: `folder/file: function`."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = ["docs/conformance.md", "THREATS.md"]
NAMED = re.compile(r"`([\w./-]+): (\w+)`")


def source(name):
    for suffix in ("", ".c", ".cpp", ".sh", ".py"):
        path = ROOT / "tests" / (name + suffix)
        if path.is_file():
            return path.read_text()
    return None


def problems(page):
    for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
        if not line.startswith("|"):
            continue
        for name, function in NAMED.findall(line):
            text = source(name)
            if text is None:
                yield "%s:%d: there is no tests/%s" % (page, number, name)
            elif not re.search(r"\b%s\b" % re.escape(function), text):
                yield "%s:%d: tests/%s has no %s" % (page, number, name, function)


def main():
    print("1..%d" % len(PAGES))
    bad = False
    for number, page in enumerate(PAGES, 1):
        found = list(problems(page))
        for line in found:
            print("# " + line)
        missing = sum("none yet" in line for line in (ROOT / page).read_text().splitlines() if line.startswith("|"))
        print("%s %d - the tests that %s names exist (%d rows say 'none yet')" %
              ("not ok" if found else "ok", number, page, missing))
        bad = bad or bool(found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

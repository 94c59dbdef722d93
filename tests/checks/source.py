#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Promises about the source: layers, lengths, licence lines, exports, README's programs. Prints one TAP line a case."""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build" / "debug"))
# A folder may include itself and what stands before it (design: the layers).
LAYERS = ["base port", "proto", "config compat observe", "signaling", "wire", "transport", "gate", "mailbox", "dispatch",
          "lifecycle"]
LEVEL = {folder: level for level, folders in enumerate(LAYERS) for folder in folders.split()}
LONGEST_FUNCTION, LONGEST_FILE = 70, 800


def sources():
    listed = subprocess.run(["git", "ls-files", "*.c", "*.h", "*.cpp", "*.hpp"], cwd=ROOT, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split()]


def includes_upward():
    for path in sources():
        parts = path.relative_to(ROOT).parts
        if parts[0] != "src":
            continue
        for target in re.findall(r'#include "(\w+)/', path.read_text()):
            if target in LEVEL and target != parts[1] and LEVEL[target] >= LEVEL[parts[1]] \
                    and not {target, parts[1]} <= {"base", "port"}:
                yield "%s includes %s/" % (path.relative_to(ROOT), target)


def too_long():
    for path in sources():
        lines = path.read_text().splitlines()
        if len(lines) > LONGEST_FILE:
            yield "%s has %d lines" % (path.relative_to(ROOT), len(lines))
        begin = None
        for number, line in enumerate(lines):
            if line == "{":
                begin = number
            elif line == "}" and begin is not None:
                if number - begin > LONGEST_FUNCTION:
                    yield "%s:%d: a function of %d lines" % (path.relative_to(ROOT), begin, number - begin)
                begin = None


def without_licence():
    for path in sources():
        if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(path.read_text().splitlines()[:2]):
            yield str(path.relative_to(ROOT))


def exports():
    library = BUILD / "src" / "libactr.so"
    names = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    exported = {line.split()[-1].split("@")[0] for line in names.splitlines() if " T " in line}
    declared = set()
    for header in (ROOT / "include" / "actr").glob("*.h"):
        declared |= set(re.findall(r"^ACTR_API[^;]*?\b(actr_\w+)\(", header.read_text(), re.M | re.S))
    for name in sorted(exported - declared):
        yield "%s is exported and in no header" % name
    for name in sorted(declared - exported):
        yield "%s is in a header and not exported" % name


def readme_programs():
    text = (ROOT / "README.md").read_text()
    for name in ("server.c", "client.c", "server.toml"):
        program = (ROOT / "examples" / "echo" / name).read_text()
        if program not in text:
            yield "README does not show examples/echo/%s as it is" % name
        if name.endswith(".c") and len(program.splitlines()) > 60:
            yield "examples/echo/%s has more than 60 lines" % name


def readme_links():
    for document in [ROOT / "README.md", ROOT / "ARCHITECTURE.md"] + sorted((ROOT / "docs").glob("*.md")):
        text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.M | re.S)  # a lambda is no link
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            if not (document.parent / target).exists():
                yield "%s links to %s, which is not there" % (document.name, target)


def architecture_names():
    """Each `file: function` that the walk of a request names is there."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for name, function in re.findall(r"`([\w/.]+\.c)`: `(\w+)`", text):
        path = ROOT / name
        if not path.exists() or not re.search(r"\b%s\(" % function, path.read_text()):
            yield "%s has no %s" % (name, function)


def headers_compile():
    for header in sorted((ROOT / "include" / "actr").glob("*.h*")):
        for compiler, standard, kind in (("cc", "-std=c11", "c"), ("c++", "-std=c++17", "c++")):
            if header.suffix == ".hpp" and kind == "c":
                continue
            done = subprocess.run([compiler, standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", kind,
                                   "-I", ROOT / "include", "-include", header, "/dev/null"], capture_output=True, text=True)
            if done.returncode:
                yield "%s alone as %s: %s" % (header.name, standard, done.stderr.splitlines()[0])


def main():
    failed = 0
    checks = [includes_upward, too_long, without_licence, exports, readme_programs, readme_links, architecture_names,
              headers_compile]
    for number, check in enumerate(checks, 1):
        problems = list(check())
        for problem in problems:
            print("# " + problem)
        print("%s %d - %s" % ("not ok" if problems else "ok", number, check.__name__))
        failed += bool(problems)
    return 1 if failed else 0


sys.exit(main())

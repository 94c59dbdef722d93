#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every ```c block of the documents is real code: compiled as C11 against the public headers, and run where it says so.

The line before a block says what it is:
  <!-- fragment -->        functions, types: all of a page are one translation unit, in order
  <!-- fragment: body -->  statements, put into a function that has ctx, self, node, system, workload, peer, status, error
  <!-- fragment: alone --> a translation unit of its own
  <!-- fragment: run -->   a program; linked and run, must end with 0. More words: `signaling` (a development server;
                           ./Actr.toml points to it), `interrupt` (SIGINT once it has said "ready")
  <!-- fragment: none, WHY -->  not compiled
  <!-- examples/... -->    that file, word for word
A block that is not seen, <!-- fragment: given ... -->, holds file-scope code that the page takes for granted.
Prints one TAP line a page and a program.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build" / "debug"))
LIBRARY = BUILD / "src"
GENERATED = sorted((BUILD / "examples" / "actr-generated").glob("*"))
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wno-unused", "-Wno-unused-parameter", "-Werror", "-g"]
PREAMBLE = "".join("#include <%s>\n" % name for name in
                   ("actr/actr.h", "actr/service.h", "inttypes.h", "stdio.h", "stdlib.h", "string.h", "time.h"))
BODY = """static actr_status_t fragment_%d(actr_ctx_t *ctx, actr_ref_t *self, actr_node_t *node, actr_system_t *system,
    actr_workload_t workload, const actr_dest_t *peer, actr_status_t status, actr_error_t error)
{
#line %d "%s"
%s
    return status;
}
"""
LIMIT_S = 60
TOML = """[package]
name = "fragment"
[package.actr_type]
manufacturer = "acme"
name = "Fragment"
[system.signaling]
url = "%s"
[system.deployment]
realm = 1001
[system.webrtc]
loopback = true
"""


class Block:
    def __init__(self, kind, words, line, text):
        self.kind, self.words, self.line, self.text = kind, words, line, text


def blocks(text):
    """The ```c and ```cpp blocks of a page and the code it takes for granted, in order."""
    pattern = re.compile(r"^<!-- fragment: given\n(?P<given>.*?)^-->$"
                         r"|(?:^<!-- (?P<mark>[^\n]*?) -->\n\n?)?^```(?P<lang>c|cpp)\n(?P<code>.*?)^```$", re.M | re.S)
    for match in pattern.finditer(text):
        group = "given" if match["given"] is not None else "code"
        line = text.count("\n", 0, match.start(group)) + 1
        if group == "given":
            yield Block("unit", [], line, match["given"])
            continue
        mark = match["mark"] or ""
        words = mark.replace(",", " ").replace(":", " ").split()
        if words[:1] == ["fragment"]:
            yield Block(words[1] if len(words) > 1 else "unit", words[2:] + [match["lang"]], line, match["code"])
        else:
            yield Block("example" if mark.startswith("examples/") else "unmarked", [mark, match["lang"]], line, match["code"])


def compile_text(folder, text, language, *more):
    source = folder / ("unit.c" if language == "c" else "unit.cpp")
    source.write_text(text)
    driver = ["cc", "-std=c11"] if language == "c" else ["c++", "-std=c++17"]
    includes = ["-I%s" % path for path in [ROOT / "include"] + GENERATED]
    done = subprocess.run(driver + FLAGS + includes + [str(source)] + list(more), capture_output=True, text=True)
    return done.stderr.splitlines()[:12] if done.returncode else []


def located(name, block):
    return '#line %d "%s"\n%s\n' % (block.line, name, block.text)


def check_page(folder, name, page):
    """Problems of the blocks that are compiled and not run."""
    unit, problems = PREAMBLE, []
    for block in page:
        if block.kind == "unit":
            unit += located(name, block)
        elif block.kind == "body":
            unit += BODY % (block.line, block.line, name, block.text)
        elif block.kind == "alone":
            problems += compile_text(folder, PREAMBLE + located(name, block), block.words[-1], "-c", "-o", str(folder / "alone.o"))
        elif block.kind == "example":
            path = ROOT / block.words[0]
            if not path.exists() or path.read_text() != block.text:
                problems.append("%s:%d: is not %s as it stands there" % (name, block.line, block.words[0]))
        elif block.kind == "none" and len(block.words) < 2:
            problems.append("%s:%d: does not say why it is not compiled" % (name, block.line))
        elif block.kind not in ("run", "none"):
            problems.append("%s:%d: a ```c block without a mark (tests/checks/fragments.py tells the marks)" % (name, block.line))
    return problems + compile_text(folder, unit, "c", "-c", "-o", str(folder / "unit.o"))


def wait_for(word, path, process):
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end and process.poll() is None:
        if word in path.read_text():
            return True
        time.sleep(0.01)
    return word in path.read_text()


def start_server(folder):
    log = folder / "signaling.log"
    with log.open("w") as out:
        server = subprocess.Popen([str(BUILD / "bin" / "actr"), "signaling", "--listen", "127.0.0.1:0"], stdout=out,
                                  stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    wait_for("listening on ", log, server)
    url = re.search(r"listening on (\S+)", log.read_text())
    (folder / "Actr.toml").write_text(TOML % (url[1] if url else "ws://127.0.0.1:1/"))
    return server


def run_program(folder, block):
    program, log = folder / "program", folder / "program.log"
    environment = dict(os.environ, LD_LIBRARY_PATH=str(LIBRARY))
    with log.open("w") as out:
        process = subprocess.Popen([str(program)], cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, env=environment)
    try:
        if "interrupt" in block.words:
            wait_for("ready", log, process)
            process.send_signal(signal.SIGINT)
        status = process.wait(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        status = "the time limit"
        process.wait()
    return [] if status == 0 else ["ended with %s" % status] + log.read_text().splitlines()[-12:]


def check_program(folder, name, block):
    links = ["-L%s" % LIBRARY, "-lactr", "-lpthread", "-o", str(folder / "program")]
    problems = compile_text(folder, PREAMBLE + located(name, block), block.words[-1], *links)
    if problems:
        return problems
    server = start_server(folder) if "signaling" in block.words else None
    try:
        return run_program(folder, block)
    finally:
        if server is not None:
            server.terminate()
            server.wait()


def cases():
    """(title, check of a folder) of everything there is to do."""
    for path in [ROOT / "README.md"] + sorted((ROOT / "docs").glob("*.md")):
        name = str(path.relative_to(ROOT))
        page = list(blocks(path.read_text()))
        if page:
            yield "%s: %d blocks" % (name, len(page)), lambda folder, n=name, p=page: check_page(folder, n, p)
        for block in page:
            if block.kind == "run":
                yield "%s:%d runs" % (name, block.line), lambda folder, n=name, b=block: check_program(folder, n, b)


def unknown_names(folder):
    """Names of ours that a page mentions, and that are nowhere in the tree."""
    listed = subprocess.run(["git", "ls-files", "include", "cmake", "src", "codegen", "tests", "examples", "cli"], cwd=ROOT,
                            capture_output=True, text=True).stdout.split()
    known = set()
    for name in listed:
        if name.endswith((".h", ".hpp", ".c", ".cpp", ".cmake", ".txt", ".proto")):
            known |= set(re.findall(r"\bactri?_\w+|\bACTRI?_\w+", (ROOT / name).read_text(errors="replace")))
    for path in sorted((ROOT / "docs").glob("*.md")):
        text = re.sub(r"```rust\n.*?^```", "", path.read_text(), flags=re.S | re.M)
        for name in sorted(set(re.findall(r"`(actr_\w+|ACTR_STATUS_\w+)", text)) - known):
            if not (path.name == "from-rust.md" and name in ("actr_config", "actr_runtime")):
                yield "%s names %s, which is nowhere" % (path.relative_to(ROOT), name)


def not_in_index(folder):
    index = (ROOT / "docs" / "README.md").read_text()
    for path in sorted((ROOT / "docs").glob("*.md")):
        if path.name != "README.md" and "](%s)" % path.name not in index:
            yield "docs/README.md does not list %s" % path.name


def self_test(folder):
    """The check can fail: each of these is found."""
    wrong = {"unmarked": "```c\nint x;\n```\n", "does not compile": "<!-- fragment -->\n```c\nint x = y;\n```\n",
             "body": "<!-- fragment: body -->\n```c\nno_such(ctx);\n```\n",
             "example": "<!-- examples/echo/server.c -->\n```c\nint x;\n```\n",
             "run": "<!-- fragment: run -->\n```c\nint main(void)\n{\n    return 3;\n}\n```\n"}
    for what, text in wrong.items():
        page = list(blocks(text))
        found = check_page(folder, "wrong.md", page)
        if what == "run":
            found = check_program(folder, "wrong.md", page[0])
        if not found:
            yield "%s was not found" % what


def main():
    failed = 0
    whole = [("the check finds what is wrong", self_test), ("every name of ours in the documents exists", unknown_names),
             ("every page is in the index", not_in_index)]
    todo = whole + list(cases())
    for number, (title, check) in enumerate(todo, 1):
        folder = pathlib.Path(tempfile.mkdtemp())
        try:
            problems = list(check(folder))
        finally:
            shutil.rmtree(folder)
        for problem in problems:
            print("# " + problem)
        print("%s %d - %s" % ("not ok" if problems else "ok", number, title), flush=True)
        failed += bool(problems)
    return 1 if failed else 0


sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""protoc-gen-actr from outside: its output against tests/codegen/golden, and what it says to .proto files that it refuses.
Prints one TAP line a case. --update writes the golden files anew."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build" / "debug"))
PLUGIN = BUILD / "bin" / "protoc-gen-actr"
TESTS = ROOT / "tests" / "codegen"
GOLDEN = ["services", "streams"]
HEAD = 'syntax = "proto3"; package p; import "actr/options.proto"; message Q {} message R {}\n'

# name, body of a.proto, what protoc must say about it
REFUSED = [
    ("a stream on a call's lane", "service S { rpc M(stream Q) returns (R) { option (actr.payload_type) = RPC_SIGNAL; } }",
     "a.proto: p.S.M: a stream can not travel as RPC_SIGNAL"),
    ("one name for two streaming methods", "service Foo { rpc OpenX(stream Q) returns (R); }\n"
     "service FooOpen { rpc X(Q) returns (stream R); }", "would both be p_foo_open_open_x in C"),
    ("a call on a stream's lane", "service S { rpc M(Q) returns (R) { option (actr.payload_type) = STREAM_RELIABLE; } }",
     "a.proto: p.S.M: a call can not travel as STREAM_RELIABLE"),
    ("a call on a media lane", "service S { rpc M(Q) returns (R) { option (actr.payload_type) = MEDIA_RTP; } }",
     "a.proto: p.S.M: a call can not travel as MEDIA_RTP"),
    ("one name for two things", "service Foo { rpc CallX(Q) returns (R); } service FooCall { rpc CallX(Q) returns (R); }\n"
     "service FooCallCall { rpc X(Q) returns (R); }", "would both be p_foo_call_call_call_x in C"),
    ("one name for a method and a service's part", "service A { rpc Workload(Q) returns (R); } service ACall {}",
     "would both be p_a_call_workload in C"),
]


def protoc(folder, *arguments, path=None):
    env = dict(os.environ, PATH=path) if path is not None else None
    return subprocess.run([shutil.which("protoc"), "--plugin=%s" % PLUGIN, "-I%s" % (ROOT / "include"), "-I%s" % folder,
                           *arguments], capture_output=True, text=True, env=env)


def golden():
    with tempfile.TemporaryDirectory() as out:
        done = protoc(TESTS / "protos", "--actr_out=%s" % out, *[stem + ".proto" for stem in GOLDEN])
        if done.returncode:
            yield done.stderr
            return
        made = sorted(path.name for path in pathlib.Path(out).iterdir())
        if made != [stem + end for stem in GOLDEN for end in (".actr.c", ".actr.h")]:
            yield "made %s" % made
        for name in made:
            text = (pathlib.Path(out) / name).read_text()
            if "--update" in sys.argv:
                (TESTS / "golden" / (name + ".golden")).write_text(text)
            elif text != (TESTS / "golden" / (name + ".golden")).read_text():
                yield "%s differs from tests/codegen/golden (codegen.py --update, then look at the difference)" % name


def refused():
    for name, body, words in REFUSED:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "a.proto").write_text(HEAD + body)
            done = protoc(folder, "--actr_out=%s" % folder, "a.proto")
            if done.returncode == 0 or words not in done.stderr:
                yield "%s: status %d, %r" % (name, done.returncode, done.stderr)
            if list(pathlib.Path(folder).glob("*.actr.*")):
                yield "%s: files were written all the same" % name


def messages_too():
    with tempfile.TemporaryDirectory() as folder:
        done = protoc(TESTS / "protos", "--actr_out=messages:%s" % folder, "imports.proto")
        made = sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*.*"))
        expected = ["google/protobuf/empty.pb-c.c", "google/protobuf/empty.pb-c.h", "google/protobuf/timestamp.pb-c.c",
                    "google/protobuf/timestamp.pb-c.h", "imports.actr.c", "imports.actr.h", "imports.pb-c.c", "imports.pb-c.h"]
        if done.returncode or made != expected:
            yield "%s %s" % (done.stderr, made)
        elif "Tracker_Service" in (pathlib.Path(folder) / "imports.pb-c.h").read_text():
            yield "protobuf-c made its own service stubs"


def without_protobuf_c():
    with tempfile.TemporaryDirectory() as folder:
        done = protoc(TESTS / "protos", "--actr_out=messages:%s" % folder, "maps.proto", path=folder)
        if done.returncode == 0 or "protobuf-c-compiler" not in done.stderr:
            yield "status %d, %r" % (done.returncode, done.stderr)


def bad_parameter():
    with tempfile.TemporaryDirectory() as folder:
        done = protoc(TESTS / "protos", "--actr_out=massages:%s" % folder, "maps.proto")
        if done.returncode == 0 or 'there is no parameter "massages"' not in done.stderr:
            yield "status %d, %r" % (done.returncode, done.stderr)


def not_a_request():
    for data in (b"", b"hello, plugin", b"\x0a\xff\xff\xff\xff\x7f"):
        done = subprocess.run([PLUGIN], input=data, capture_output=True)
        if done.returncode != 1 or b"no CodeGeneratorRequest" not in done.stderr:
            yield "%r: status %d, %r" % (data, done.returncode, done.stderr)


def links_no_protobuf():
    for path in (PLUGIN, BUILD / "src" / "libactr.so", BUILD / "bin" / "actr"):
        needed = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
        for line in needed.splitlines():
            if "NEEDED" in line and ("libprotobuf.so" in line or "libprotoc" in line or "libprotobuf-lite" in line):
                yield "%s needs %s" % (path.name, line.split()[-1])


def main():
    failed = 0
    for number, check in enumerate([golden, refused, messages_too, without_protobuf_c, bad_parameter, not_a_request,
                                    links_no_protobuf], 1):
        problems = list(check())
        for problem in problems:
            print("# " + str(problem).replace("\n", "\n# "))
        print("%s %d - %s" % ("not ok" if problems else "ok", number, check.__name__))
        failed += bool(problems)
    return 1 if failed else 0


sys.exit(main())

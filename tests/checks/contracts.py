#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`actr fingerprint`, `actr compat` and `actr lock` from outside: what docs/evolution.md shows, statuses, JSON, what is refused.
Prints one TAP line a case."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build" / "debug"))
ACTR = BUILD / "bin" / "actr"
PAGE = ROOT / "docs" / "evolution.md"
BLOCK = re.compile(r"^<!-- compat: (file|run) ([^>]*?) -->\n```\w+\n(.*?)^```$", re.M | re.S)
OLD = 'syntax = "proto3"; package p; message A { int32 n = 1; }\n'
LOOSE = 'syntax = "proto3"; package p; message A { repeated int32 n = 1; }\n'
BROKEN = 'syntax = "proto3"; package p; message A { string n = 1; }\n'
MANIFEST = """exports = ["p.proto"]
[package]
name = "p"
[package.actr_type]
manufacturer = "acme"
name = "p"
[system.signaling]
url = "ws://h/"
[system.deployment]
realm = 1
"""


def actr(folder, *arguments):
    done = subprocess.run([ACTR, *arguments], cwd=folder, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout, done.stderr


def write(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def page_shows_what_is_printed(folder):
    runs = 0
    for kind, what, text in BLOCK.findall(PAGE.read_text()):
        if kind == "file":
            (folder / (what + ".proto")).write_text(text)
            subprocess.run(["protoc", "-o", os.devnull, what + ".proto"], cwd=folder, check=True, capture_output=True)
            continue
        words, status = what.split(", status ")
        command, answer = text.split("\n", 1)
        arguments = command.split()[2:]
        assert command.startswith("$ actr ") and all(word.split(".")[0] in arguments or word + ".proto" in arguments
                                                     for word in words.split()), command
        code, out, error = actr(folder, *command.split()[2:])
        assert (code, out) == (int(status), answer), "%s\n%s%s%s" % (command, code, out, error)
        runs += 1
    assert runs == 5, runs


def statuses_tell(folder):
    write(folder, old_proto=OLD, same_proto="// new\n" + OLD, loose_proto=LOOSE, broken_proto=BROKEN, bad_proto="message")
    for arguments, expected in [(["old.proto", "same.proto"], 0), (["old.proto", "loose.proto"], 0),
                                (["--strict", "old.proto", "loose.proto"], 1), (["old.proto", "broken.proto"], 1),
                                (["old.proto", "bad.proto"], 2), (["bad.proto", "old.proto"], 2),
                                (["old.proto", "absent.proto"], 2), (["old.proto"], 2), (["-x", "a", "b"], 2), (["--help"], 0)]:
        code, _, error = actr(folder, "compat", *arguments)
        assert code == expected, (arguments, code, error)
    assert "bad.proto:1:8: " in actr(folder, "compat", "old.proto", "bad.proto")[2]


def json_is_whole(folder):
    write(folder, old_proto=OLD, loose_proto=LOOSE)
    code, out, _ = actr(folder, "compat", "--json", "old.proto", "loose.proto")
    got = json.loads(out)
    assert code == 0 and got["level"] == "BackwardCompatible" and got["strict"]["level"] == "BreakingChanges", out
    assert got["changes"] == [{"change_type": "PROTO_CONTENT_CHANGED", "file_name": "loose", "location": "loose",
                               "description": "Proto file 'loose' has semantic changes", "is_breaking": False}], out
    assert got["strict"]["findings"][0]["rule"] == "FIELD_LABEL" and got["strict"]["findings"][0]["line"] == 1, out
    code, out, _ = actr(folder, "fingerprint", "--json", "old.proto")
    assert code == 0 and json.loads(out)["files"][0]["package"] == "old", out


def contracts_have_many_forms(folder):
    write(folder, a__p_proto=OLD, b__p_proto=LOOSE, b__Actr_toml=MANIFEST, c__q_proto=OLD)
    file_line = actr(folder, "fingerprint", "a/p.proto")[1].splitlines()
    assert file_line[0].endswith("  a/p.proto") and file_line[1].startswith("service_semantic:"), file_line
    lock = ('[[dependency]]\nname = "pay"\nactr_type = "acme+p"\nfingerprint = "%s"\ncached_at = "x"\n'
            '[[dependency.files]]\npackage = "p"\nfingerprint = "x"\ncontent = \'%s\'\n' % (file_line[1], OLD.strip()))
    write(folder, actr_lock_toml=lock)
    for old in ("a", "a/p.proto", "actr.lock.toml#pay"):
        code, out, error = actr(folder, "compat", old, "b/Actr.toml")
        assert code == 0 and "[FIELD_LABEL]" in out and "FILE" not in out, (old, code, out, error)
    assert actr(folder, "compat", "actr.lock.toml#pay", "a")[1].startswith("FullyCompatible")
    code, out, _ = actr(folder, "compat", "a", "c")
    assert code == 1 and "the file p is gone [FILE_REMOVED]" in out and "the file q is new [FILE_ADDED]" in out, out
    code, _, error = actr(folder, "compat", "actr.lock.toml#nobody", "a")
    assert code == 2 and "there is no dependency nobody" in error, error


def what_has_no_fingerprint_is_told(folder):
    write(folder, climbs_proto='syntax = "proto3";\nimport "../../x";\n', absolute_proto='syntax = "proto3";\nimport "/x";\n',
          other_proto='syntax = "proto3";\nimport "o.proto";\nmessage A { O o = 1; }\n', empty__readme="x")
    before = sorted(folder.rglob("*"))
    for name, words in [("climbs.proto", "climbs.proto:2:1: the import of \"../../x\" leaves the folder"),
                        ("absolute.proto", "absolute.proto:2:1: the import of \"/x\" is an absolute path"),
                        ("other.proto", "other.proto:3:"), ("absent.proto", "absent.proto: can not be opened"),
                        ("empty", "there is no .proto file in it"), ("/dev/zero", "no regular file")]:
        code, out, error = actr(folder, "fingerprint", name)
        assert code == 1 and out == "" and words in error, (name, code, out, error)
    assert sorted(folder.rglob("*")) == before and not (folder.parent.parent / "x").exists()
    with open(folder / "huge.proto", "w") as file:
        file.truncate(1 << 30)
    assert "larger than 1048576 bytes" in actr(folder, "fingerprint", "huge.proto")[2]
    assert actr(folder, "fingerprint")[0] == 2


def canonical_text_is_what_is_hashed(folder):
    import hashlib
    write(folder, old_proto=OLD)
    text = actr(folder, "fingerprint", "--canonical", "old.proto")[1]
    digest = hashlib.sha256(text.rstrip("\n").encode()).hexdigest()
    assert actr(folder, "fingerprint", "old.proto")[1].startswith("semantic:" + digest)


def lock_file_is_kept(folder):
    write(folder, old_proto=OLD, b__p_proto=LOOSE, b__Actr_toml=MANIFEST)
    assert actr(folder, "lock", "add", "l.toml", "pay", "acme+pay", "old.proto")[0] == 0
    assert actr(folder, "lock", "add", "l.toml", "abc", "acme:abc", "b/Actr.toml")[0] == 0
    first = (folder / "l.toml").read_text()
    lines = actr(folder, "lock", "list", "l.toml")[1].splitlines()
    fingerprint = actr(folder, "fingerprint", "old.proto")[1].splitlines()[1]
    assert lines[0].startswith("abc  acme+abc  service_semantic:") and lines[1] == "pay  acme+pay  %s  1 file" % fingerprint, lines
    assert actr(folder, "compat", "l.toml#pay", "old.proto")[1].startswith("FullyCompatible")
    code, out, error = actr(folder, "compat", "--strict", "l.toml#abc", "b")
    assert code == 0 and out.startswith("FullyCompatible"), (out, error)
    assert actr(folder, "lock", "add", "l.toml", "pay", "acme+pay", "b")[0] == 0 and len(first) > 0
    assert fingerprint not in (folder / "l.toml").read_text()
    assert actr(folder, "lock", "remove", "l.toml", "pay")[0] == 0
    assert actr(folder, "lock", "remove", "l.toml", "pay")[0] == 1
    assert actr(folder, "lock", "--form", "B", "add", "m.toml", "pay", "acme+pay", "b/p.proto")[0] == 0
    assert 'path = "b/p.proto"' in (folder / "m.toml").read_text()
    assert "m.toml:" in actr(folder, "lock", "list", "m.toml")[2]  # the other form: with file, line and column
    for arguments in (["add", "l.toml", "x", "no type", "b"], ["add", "l.toml", "x", "acme+x", "absent.proto"],
                      ["list", "absent.toml"]):
        code, _, error = actr(folder, "lock", *arguments)
        assert code == 1 and error.startswith("actr lock: "), (arguments, error)
    assert sorted(p.name for p in folder.iterdir()) == ["b", "l.toml", "m.toml", "old.proto"]


def a_contract_to_call_with_stays_in_its_folder(folder):
    """Imports of `actr call --proto`: a pipe would hold it, a link would show another file's words."""
    inside = folder / "in"
    write(folder, secret="the secret words", in__part_proto='syntax = "proto3"; package p; message A { int32 n = 1; }\n')
    os.mkfifo(inside / "pipe.proto")
    (inside / "link.proto").symlink_to("../secret")
    (inside / "out").symlink_to("..")
    server = subprocess.Popen([ACTR, "signaling", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().split()[-1]
        for name, words in [("../secret", '".." component'), ("/etc/passwd", "component"), ("pipe.proto", "no type A here"),
                            ("link.proto", "no type A here"), ("out/secret", "no type A here"), ("self.proto", "imports itself"),
                            ("part.proto", "is no JSON")]:
            (inside / "self.proto").write_text('syntax = "proto3"; package p; import "%s";\n'
                                               "service S { rpc R(A) returns (A); }\n" % name)
            code, out, error = actr(folder, "call", "--url", url, "--proto", "in/self.proto", "1@1001:acme+x", "p.S.R", "no json")
            assert code == 1 and words in error and "secret words" not in error, (name, code, out, error)
    finally:
        server.kill()
        server.wait()


def imports_are_followed_strictly(folder):
    """The reference has no answer where a file uses another; the strict comparison looks it up on its side."""
    part = 'syntax = "proto3"; package q; message Part { int32 n = 1; }\n'
    whole = ('syntax = "proto3"; package p; import "q.proto"; import "actr/options.proto"; message A { q.Part part = 1; }\n'
             "service S { rpc R(A) returns (A) { option (actr.payload_type) = RPC_SIGNAL; } }\n")
    write(folder, a__q_proto=part, a__p_proto=whole, b__q_proto=part, b__p_proto=whole + "message B { }\n", c__p_proto=whole)
    code, out, error = actr(folder, "compat", "a", "b")
    assert code == 2 and "p.proto:1:" in error and out.endswith(
        "No answer for the reference, BackwardCompatible strictly: 0 breaking, 1 compatible\n"), (code, out, error)
    assert actr(folder, "compat", "--strict", "a", "b")[0] == 0
    got = json.loads(actr(folder, "compat", "--json", "--strict", "a", "b")[1])
    assert "level" not in got and "p.proto" in got["error"] and got["strict"]["findings"][0]["rule"] == "MESSAGE_ADDED", got
    write(folder, b__q_proto=part.replace("int32", "string"))
    code, out, _ = actr(folder, "compat", "--strict", "a", "b")
    assert code == 1 and "b/q.proto:1:46: breaking: q.Part.n is string, was int32" in out, out
    code, out, error = actr(folder, "compat", "--strict", "c", "a")
    assert code == 2 and "there is no type q.Part here" in error, (code, out, error)


def main():
    failed = 0
    cases = [page_shows_what_is_printed, statuses_tell, json_is_whole, contracts_have_many_forms,
             what_has_no_fingerprint_is_told, canonical_text_is_what_is_hashed, lock_file_is_kept,
             a_contract_to_call_with_stays_in_its_folder, imports_are_followed_strictly]
    for number, case in enumerate(cases, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                case(pathlib.Path(folder))
                print("ok %d - %s" % (number, case.__name__))
            except Exception as problem:  # pylint: disable=broad-except
                failed += 1
                print("not ok %d - %s\n# %s" % (number, case.__name__, repr(problem).replace("\\n", "\n# ")))
    return failed


if __name__ == "__main__":
    sys.exit(main())

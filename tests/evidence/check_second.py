#!/usr/bin/env python3
"""Compares `landfall evidence verify` and the bundle's own verify_bundle.py, check by check, on a bundle and on bad copies.

usage: check_second.py LANDFALL BUNDLE

Meant for a bundle with signed decisions, of which a rehearsal of the whole life makes several. Exit code 0: they agree on
every copy, and accept the bundle and nothing else.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

landfall, bundle = sys.argv[1], pathlib.Path(sys.argv[2])


def first(folder):
    command = [landfall, "evidence", "verify", "--allow-rehearsal", "-o", "json", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    verdict = json.loads(done.stdout)
    return done.returncode == 0, {check["name"]: check["ok"] for check in verdict["checks"]}


def second(folder):
    command = [sys.executable, "-B", folder / "verify_bundle.py", folder, "--allow-rehearsal"]
    if not (folder / "verify_bundle.py").exists():
        command[2] = bundle / "verify_bundle.py"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (re.match(r"(ok  |FAIL) (.{22}) ", line) for line in done.stdout.splitlines())
    found = {line[2].strip(): line[1] == "ok  " for line in lines if line}
    return done.returncode == 0, found


def changed(path, change):
    def apply(folder):
        file = folder / path
        file.write_bytes(change(file.read_bytes()))

    return f"{path} changed", apply


def dropped(path):
    return f"{path} dropped", lambda folder: (folder / path).unlink()


def flipped(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]


def ways():
    yield "untouched", lambda folder: None
    decisions = sorted(path.name for path in (bundle / "approvals").glob("*.json")) if (bundle / "approvals").is_dir() else []
    for name in decisions[:3]:
        yield changed(f"approvals/{name}", flipped)
        yield changed(f"approvals/{name}.sig", lambda data: data.replace(b"A", b"B", 1))
        yield dropped(f"approvals/{name}")
    if len(decisions) > 1:
        one, other = (f"approvals/{name}.sig" for name in decisions[:2])

        def exchange(folder):
            first, second = (folder / one).read_bytes(), (folder / other).read_bytes()
            (folder / one).write_bytes(second)
            (folder / other).write_bytes(first)

        yield "two signatures exchanged", exchange
    for path in sorted(path.relative_to(bundle).as_posix() for path in (bundle / "attestations").iterdir()):
        yield changed(path, flipped)
        yield dropped(path)
    lines = (bundle / "journal/site.jsonl").read_bytes().splitlines(keepends=True)
    for place in (0, len(lines) // 2, len(lines) - 1):
        yield changed("journal/site.jsonl", lambda data, place=place: b"".join(lines[:place] + lines[place + 1:]))
    yield changed("scan.json", lambda data: data.replace(b'"hits": 0', b'"hits": 1'))
    yield changed("keys/log.vkey", flipped)


def main():
    agreed = refused = 0
    failed = []
    for name, change in ways():
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) / "bundle"
            shutil.copytree(bundle, folder)
            change(folder)
            one, other = first(folder), second(folder)
            if one != other or one[0] != (name == "untouched"):
                failed.append(f"{name}: {one} against {other}")
            agreed += len(one[1])
            refused += not one[0]
    for words in failed:
        print(f"FAIL  {words}")
    print(f"{bundle.name}: {refused} bad copies refused by both, {agreed} verdicts of single checks compared")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

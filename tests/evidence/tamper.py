"""Tampers with every entry of a bundle's log and asks the bundle's own verify_log.py and verify_bundle.py about each.

usage: tamper.py BUNDLE OTHER_BUNDLE WAY…

Prints a line for each case: way, place, accepted or refused by verify_log.py, the same by verify_bundle.py, and the entry
that the latter names, or a dash.
"""
import os
import re
import sys
import tempfile

bundle, other, ways = sys.argv[1], sys.argv[2], sys.argv[3:]
sys.path.insert(0, bundle)
import verify_bundle  # noqa: E402  the scripts of the bundle itself
import verify_log  # noqa: E402

# The checkpoints are the same in all cases, so OpenSSL is asked about each once.
asked = {}
ask = verify_log.openssl_verifies


def ask_once(*question):
    if question not in asked:
        asked[question] = ask(*question)
    return asked[question]


verify_log.openssl_verifies = ask_once


def read(folder):
    with open(os.path.join(folder, "journal/site.jsonl"), "rb") as file:
        return file.read().split(b"\n")[:-1]


def tampered(way, at, lines, others):
    lines = list(lines)
    if way == "flip":
        line = bytearray(lines[at])
        line[at * 31 % len(line)] ^= 1
        lines[at] = bytes(line)
    elif way == "delete":
        del lines[at]
    elif way == "duplicate":
        lines.insert(at, lines[at])
    elif way == "swap":
        if at + 1 == len(lines):
            return None
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    elif way == "cut":
        del lines[at:]
    elif way == "foreign":
        if at >= len(others):
            return None
        lines[at] = others[at]
    else:
        raise SystemExit(f"no way is called {way}")
    return lines


def judged(lines):
    """What verify_bundle.py says of the log; of the other files only those that the log is judged with."""
    files = {**around, "journal/site.jsonl": b"".join(line + b"\n" for line in lines)}
    done, broken, missing = verify_bundle.verify(verify_bundle.Bundle(files))
    (words,) = [words for name, good, words in done if name == "log entries" and not good] or [""]
    place = re.search(r"(?:entry|entries|place) (\d+)", words)
    cut = re.search(r"(\d+) of \d+ entries", words)
    accepted = not words
    return "accepted" if accepted else "refused", (place or cut or [None, "-"])[1]


def said(lines, scratch):
    journal = os.path.join(scratch, "site.jsonl")
    with open(journal, "wb") as file:
        file.write(b"".join(line + b"\n" for line in lines))
    paths = [os.path.join(bundle, name) for name in ("journal/checkpoint", "keys/log.vkey", "journal/leaves")]
    try:
        verify_log.check(journal, *paths)
        return "accepted"
    except verify_log.Fails:
        return "refused"


with tempfile.TemporaryDirectory() as scratch:
    own, others = read(bundle), read(other)
    whole = verify_bundle.read(bundle)
    around = {path: data for path, data in whole.items() if path.startswith(("journal/", "keys/")) or path == "bundle.json"}
    print("whole", 0, said(own, scratch), *judged(own))
    for way in ways:
        for at in range(len(own)):
            lines = tampered(way, at, own, others)
            if lines is not None:
                print(way, at, said(lines, scratch), *judged(lines))

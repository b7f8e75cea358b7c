#!/usr/bin/env python3
"""Checks a log against its signed checkpoint with Python's standard library and OpenSSL 3, and nothing of Landfall's.

usage: verify_log.py JOURNAL CHECKPOINT VKEY [LEAVES [OLD_CHECKPOINT [CONSISTENCY]]]

Says whether every line is there, unchanged and in order, and which is the first that is not. LEAVES, the leaf hash of
each line, lets it name that line; give - to leave it out. OLD_CHECKPOINT is one of the same log that you were shown
before: the log must continue it, and CONSISTENCY must prove that. Exit code 0: holds. 1: does not hold. 2: could not be checked.
"""
import base64
import hashlib
import os
import re
import subprocess
import sys
import tempfile

# What stands before the 32 bytes of an Ed25519 public key in DER.
DER = bytes.fromhex("302a300506032b6570032100")


class Fails(Exception):
    """Something is not what was sealed."""


class Incomplete(Fails):
    """Something that was sealed is not there."""


def is_redacted(line):
    return re.fullmatch(rb"!sha256:[0-9a-f]{64}", line) is not None


def leaf_hash(line):
    if is_redacted(line):
        return bytes.fromhex(line[8:].decode())
    return hashlib.sha256(b"\x00" + line).digest()


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


def read_key(path):
    with open(path, encoding="utf-8") as file:
        name, key_id, encoded = file.read().rstrip("\n").split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    own_id = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if len(key) != 33 or key[0] != 1 or own_id.hex() != key_id:
        raise Fails(f"{path} is not an Ed25519 verifier key")
    return name, own_id, key[1:]


def openssl_verifies(public, message, signature, *more):
    """Whether a key in DER made a signature."""
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("key.der", "message", "signature")]
        for name, content in zip(names, (public, message, signature)):
            with open(name, "wb") as file:
                file.write(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", names[0], "-rawin", *more]
        command += ["-in", names[1], "-sigfile", names[2]]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def read_checkpoint(path, key):
    name, key_id, public = key
    with open(path, encoding="utf-8", newline="") as file:
        text, found, signatures = file.read().rpartition("\n\n")
    text += "\n"
    good = False
    for line in signatures.splitlines():
        prefix = f"\u2014 {name} "
        if not line.startswith(prefix):
            continue
        blob = base64.b64decode(line[len(prefix):], validate=True)
        if blob[:4] == key_id:
            good = openssl_verifies(DER + public, text.encode(), blob[4:])
            break
    if not found or not good:
        raise Fails(f"{path} is not signed by {name}")
    fields = text.split("\n")
    if len(fields) != 4 or fields[3] or not fields[0].startswith(name + "/"):
        raise Fails(f"{path} is not a checkpoint of a log of {name}")
    return fields[0], int(fields[1]), base64.b64decode(fields[2], validate=True)


def compare(lines, leaves):
    """Names the first line that is not the one that was sealed."""
    own = [leaf_hash(line) for line in lines]
    for place, sealed in enumerate(leaves):
        if place == len(own):
            raise Incomplete(f"incomplete: {len(own)} of {len(leaves)} entries; the tail is cut off")
        if own[place] == sealed:
            continue
        if own[place] in leaves:
            other = leaves.index(own[place])
            if other < len(own) and own[other] == sealed:
                raise Fails(f"entries {place} and {other} are swapped")
            if sealed not in own:
                raise Incomplete(f"entry {place} is missing; entry {other} stands in its place")
            raise Fails(f"entry {place} is not in its place; entry {other} stands there")
        if sealed in own:
            raise Fails(f"the line at place {place} was put in")
        raise Fails(f"entry {place} was changed")
    if len(own) > len(leaves):
        raise Fails(f"{len(own) - len(leaves)} lines after the last sealed entry")


def consistent(old_size, old_root, size, new_root, proof):
    """Whether the proof shows the new tree to be the old one, grown (RFC 9162, 2.1.4.2)."""
    if old_size > size:
        return False
    if old_size == size:
        return not proof and old_root == new_root
    if old_size == 0:
        return not proof and old_root == root([])
    if old_size & (old_size - 1) == 0:
        proof = [old_root] + proof
    if not proof:
        return False
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_node = new_node = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old_node = hashlib.sha256(b"\x01" + sibling + old_node).digest()
            new_node = hashlib.sha256(b"\x01" + sibling + new_node).digest()
            while place & 1 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            new_node = hashlib.sha256(b"\x01" + new_node + sibling).digest()
        place, last = place >> 1, last >> 1
    return last == 0 and old_node == old_root and new_node == new_root


def compare_history(lines, new, old, consistency_path):
    """The log must continue what was shown before."""
    (origin, size, sealed_root), (old_origin, old_size, old_root) = new, old
    if old_origin != origin:
        raise Fails(f"the old checkpoint is of {old_origin}")
    if old_size > size:
        raise Incomplete(f"incomplete: {size} entries where {old_size} were shown before")
    if root([leaf_hash(line) for line in lines[:old_size]]) != old_root:
        raise Fails(f"history was rewritten: the first {old_size} entries are not those that were shown before")
    if consistency_path:
        with open(consistency_path, encoding="ascii") as file:
            first, *hashes = file.read().splitlines()
        proof = [base64.b64decode(line, validate=True) for line in hashes]
        if first != f"old {old_size}" or not consistent(old_size, old_root, size, sealed_root, proof):
            raise Fails(f"{consistency_path} does not prove that the log continues the old checkpoint")


def check(journal, checkpoint, vkey, leaves_path=None, old_path=None, consistency_path=None):
    key = read_key(vkey)
    origin, size, sealed_root = read_checkpoint(checkpoint, key)
    with open(journal, "rb") as file:
        content = file.read()
    lines = content.split(b"\n")
    if lines.pop() != b"":
        raise Fails(f"the last line of {journal} does not end")
    if leaves_path and leaves_path != "-":
        with open(leaves_path, encoding="ascii") as file:
            leaves = [bytes.fromhex(line) for line in file.read().split()]
        if len(leaves) == size and root(leaves) == sealed_root:
            compare(lines, leaves)
        else:
            print(f"note: {leaves_path} does not fit the checkpoint and is not used", file=sys.stderr)
    if len(lines) < size:
        raise Incomplete(f"incomplete: {len(lines)} of {size} entries")
    if len(lines) > size:
        raise Fails(f"{len(lines)} lines where {size} were sealed")
    if root([leaf_hash(line) for line in lines]) != sealed_root:
        raise Fails("the lines are not those that were sealed")
    if old_path:
        compare_history(lines, (origin, size, sealed_root), read_checkpoint(old_path, key), consistency_path)
    redacted = sum(map(is_redacted, lines))
    note = f", {redacted} of them redacted" if redacted else ""
    return f"ok: {origin}: {size} entries{note}, root {base64.b64encode(sealed_root).decode()}"


def main(arguments):
    if not 3 <= len(arguments) <= 6:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(check(*arguments))
        return 0
    except Fails as problem:
        print(f"does not hold: {problem}")
        return 1
    except (OSError, ValueError) as problem:
        print(f"could not be checked: {problem}")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

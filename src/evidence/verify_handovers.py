"""How keys took over from each other: entries of the org log that name both, each sealed by the key of its day.

A part of verify_bundle.py.
"""
import json

from verify_forms import Key, Unsigned, checkpoint, demand, grown, included, tlog_proof
from verify_log import leaf_hash

MOST = 100


class Ring:
    """A key of checkpoints with those that it took over from: whatever one of them signed counts."""

    def __init__(self, current, retired):
        self.current, self.retired = current, retired

    def holds(self, text):
        return text in [key.text for key in [self.current, *self.retired]]

    def open(self, data):
        """A checkpoint that one of the keys signed, and which if it is a retired one."""
        for key in [self.current, *reversed(self.retired)]:
            try:
                return checkpoint(data, key), "" if key is self.current else f", signed by the retired key {key.text}"
            except Unsigned as problem:
                last = problem
        raise last


def chain(data, current, org):
    """The keys that handovers lead to: a ring of log keys, and the keys of the seal, oldest first.

    `data` is the file of handovers; `org` gives the signed head of today's org log, which must continue each of them.
    """
    handovers = json.loads(data) if data is not None else []
    demand(isinstance(handovers, list) and len(handovers) <= MOST, "keys/handovers.json is no list of handovers")
    if not handovers:
        return Ring(current, []), []
    today, opened = org(), [taken_apart(place, one) for place, one in enumerate(handovers, 1)]
    retired, seals = [], []
    for place, (key, old, new, line, proof, growth) in enumerate(opened):
        def good(holds, words, number=place + 1):
            demand(holds, f"keys/handovers.json: handover {number}: {words}")

        # Today's key of checkpoints is the one that the next handover retires, or the current one.
        after = next((later[1] for later in opened[place + 1:] if later[0] == "log"), current)
        if key == "log":
            good(new.text == after.text, "no later handover goes on from its new key")
            retired.append(old)
            signer = old
        else:
            good(not seals or seals[-1].text == old.text, "it retires another key than the one before brought")
            seals += [new] if seals else [old, new]
            signer = after
        index, path, note = proof
        origin, size, root = checkpoint(note.encode(), signer)
        last = origin == f"{signer.name}/org" and index + 1 == size
        good(last and included(leaf_hash(line), index, size, path, root), "its entry is not the last one that was signed")
        good(growth is not None, "it has no proof of growth")
        good(grown(growth, (size, root), today[1:]), "the org log does not continue it")
    return Ring(current, retired), seals


def taken_apart(place, one):
    demand(set(one) | {"growth"} == {"line", "proof", "growth"}, f"keys/handovers.json: handover {place} has other fields")
    entry, proof = json.loads(one["line"]), tlog_proof(one["proof"])
    what = (entry["kind"], entry["log"], entry["seq"])
    demand(what == ("key.rotated", "org", proof[0]), f"handover {place} is not by an entry of the org log that rotates a key")
    body = entry["body"]
    known = set(body) == {"key", "old", "new"} and body["key"] in ("log", "bundle")
    demand(known, f"handover {place} does not say which key it rotates")
    kinds = (1, 2) if body["key"] == "bundle" else (1,)
    old, new = Key(body["old"], *kinds), Key(body["new"], *kinds)
    demand(old.name == new.name, f"handover {place}: the keys have different names")
    return body["key"], old, new, one["line"].encode(), proof, one.get("growth")

"""What others said, as far as it stands in a bundle: lists of the platform, and time stamps of other clocks.

A part of verify_bundle.py. Populations are added up here; only the program itself compares them with the log again.
"""
import csv
import io
import json
import os
import re
import subprocess
import tempfile
from datetime import datetime, timezone

from verify_forms import NotChecked, Unseen, demand, digest, gone
from verify_log import Incomplete

READ, VERSION = "population.read", 1
FROM_LOG = ("assignments", "catalogs", "changes", "grants", "groups", "workspaces")
TABLES = ("lead-sheet.csv", "population/reconciliation.csv", "population/reconciliation.json", "population/samples.csv")
LINEAGE = "population/lineage.json"
STAMPS = [("the log", "journal/checkpoint"), ("the org log", "journal/org-checkpoint")]


def populations(files, entries):
    """Whether the newest list of each population is there whole, and adds up."""
    reads = [entry for entry in entries if entry["kind"] == READ]
    for entry in reads:
        demand(entry["body"].get("v", 0) <= VERSION, f"entry {entry['seq']} is of a newer program")
    by_digest, spared = {digest(data): data for data in files.values()}, gone(entries)
    for entry in entries:
        for ref in entry.get("refs", []):
            if ref["sha256"] not in by_digest and ref["sha256"] not in spared:
                raise Unseen(f"not added up, because entry {entry['seq']} names {ref['path']!r}, which is not there")
    if "population/reconciliation.json" not in files:
        demand(not reads, "the log keeps a population, but population/reconciliation.json is missing", Incomplete)
        return "drawn from the log by an older program"
    newest = {entry["body"]["population"]: entry for entry in reads}
    for entry in newest.values():
        added_up(entry, by_digest)
    listed = {f"population/{name}{end}" for name in {*FROM_LOG, *newest} for end in (".csv", ".query.txt")}
    for path in sorted(listed.union(TABLES)):
        demand(path in files, f"{path} is missing", Incomplete)
    if {"gold-tables", "lineage"} <= newest.keys():
        demand(LINEAGE in files, f"{LINEAGE} is missing", Incomplete)
        lineage(files[LINEAGE], *(rows_of(newest[name], by_digest) for name in ("gold-tables", "lineage")))
        listed.add(LINEAGE)
    odd = [path for path in files if path.startswith("population/") and path not in listed.union(TABLES)]
    demand(not odd, f"{odd[:1]} is no population of this log")
    return f"{len(newest)} lists of the platform, each with as many rows and items as its pages had"


def rows_of(entry, by_digest):
    return list(csv.reader(io.StringIO(by_digest[entry["body"]["csv"]].decode(), newline="")))[1:]


def lineage(data, gold, told):
    """Whether the file has every gold table, and for each the edges that lead to it."""
    into = {}
    for row in told:
        if row[0]:
            into.setdefault(row[1], set()).add((row[1], row[0], row[2], row[3]))
    tables = json.loads(data)["tables"]
    demand([table["table"] for table in tables] == [row[0] for row in gold], f"{LINEAGE} has other gold tables")
    for table in tables:
        edges, seen, ahead = set(), {table["table"]}, [table["table"]]
        while ahead:
            for edge in into.get(ahead.pop(), ()):
                edges.add(edge)
                if edge[2] != "PATH" and edge[1] not in seen:
                    seen.add(edge[1])
                    ahead.append(edge[1])
        has = [(one["target"], one["source"], one["source_type"], one["source_is_of"]) for one in table["edges"]]
        demand(has == sorted(edges), f"{LINEAGE} has other edges for {table['table']}")
        demand(table["has_source"] == (table["table"] in into), f"{LINEAGE} says otherwise of {table['table']}")


def added_up(entry, by_digest):
    body, seq = entry["body"], entry["seq"]
    demand(body["csv"] in by_digest, f"entry {seq} names rows that are not there or are no table")
    rows = rows_of(entry, by_digest)
    demand(len(rows) == body["rows"], f"entry {seq} says {body['rows']} rows, and its file has {len(rows)}")
    told = sum(items for call in body["calls"] for items in call["pages"])
    fits = told <= body["items"] if body.get("more_calls") else told == body["items"]
    demand(fits, f"entry {seq} says {body['items']} items, and its pages have {told}")
    counted = body["rows"] + sum(body.get("others", {}).values())
    demand(counted == body["items"], f"entry {seq} says {body['items']} items, and counts {counted} as somebody's")


def stamps(files, roots):
    """Whether each time stamp is over its checkpoint, and leads to these roots or to those that the bundle brings."""
    told = []
    if roots and "journal/checkpoint.tsr" not in files:
        raise Unseen("no time stamp: journal/checkpoint.tsr is not there")
    for log, path in STAMPS:
        reply = files.get(path + ".tsr")
        if reply is not None:
            told.append(f"{log} {stamped(path, reply, files[path], files.get('keys/tsa-chain.pem', b''), roots)}")
    return "; ".join(told) or "no time stamp: only the signer's own clock says when"


def stamped(path, reply, note, chain, roots):
    with tempfile.TemporaryDirectory() as folder:
        at = {}
        for name, data in (("reply", reply), ("note", note), ("chain", chain), ("roots", roots or chain)):
            at[name] = os.path.join(folder, name)
            with open(at[name], "wb") as file:
                file.write(data)
        text = openssl("ts", "-reply", "-in", at["reply"], "-text")[1]
        when = re.search(r"^Time stamp: (.*) GMT$", text, re.M)
        demand(when, f"{path}.tsr holds no time")
        moment = datetime.strptime(re.sub(r"\.\d+", "", when[1]), "%b %d %H:%M:%S %Y").replace(tzinfo=timezone.utc)
        good, words = openssl("ts", "-verify", "-data", at["note"], "-in", at["reply"], "-CAfile", at["roots"],
                              "-untrusted", at["chain"], "-attime", str(int(moment.timestamp())))
        demand(good, f"{path}.tsr: {words.strip().splitlines()[-1] if words.strip() else 'it does not verify'}")
        return f"at {moment.isoformat()}"


def openssl(*words):
    try:
        done = subprocess.run(["openssl", *words], capture_output=True, check=False, timeout=60)
    except FileNotFoundError as problem:
        raise NotChecked("openssl is not installed") from problem
    return done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")

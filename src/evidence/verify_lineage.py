"""What gold tables were made from, followed back from the rows of two populations.

A part of verify_bundle.py. Needs Python's standard library only.
"""
import re

from verify_forms import demand
from verify_reconcile import Found, counted

DATA, VERSION = "population/lineage.json", 1
GOLD, EDGES = "gold-tables", "lineage"
PATH, ANOTHER = "PATH", "another site"


def followed(taken):
    """The form of DATA, if both populations were read; the entry must count what its rows come to."""
    if GOLD not in taken or EDGES not in taken:
        return None
    gold, told = taken[GOLD], taken[EDGES]
    into = {}
    for source, target, kind, whose in told["rows"]:
        if source:
            into.setdefault(target, set()).add((target, source, kind, whose))
    tables = [of_table(row[0], row[3], into) for row in gold["rows"]]
    whole = not gold["cut"] and not told["cut"]
    if whole:
        without = sum(1 for table in tables if not table["has_source"])
        counts = {"tables": len(tables), "without": without} if tables else None
        demand(told["body"].get("lineage") == counts,
               f"entry {told['entry']} does not say of the lineage what its rows come to")
    return {"v": VERSION, "at": told["body"]["ended"], "entry": told["entry"], "complete": whole, "tables": tables}


def of_table(name, step, into):
    """Each table is passed once, so that a circle ends."""
    edges, seen, ahead = set(), {name}, [name]
    while ahead:
        for edge in into.get(ahead.pop(), ()):
            edges.add(edge)
            if edge[2] != PATH and edge[1] not in seen:
                seen.add(edge[1])
                ahead.append(edge[1])
    names = ("target", "source", "source_type", "source_is_of")
    return {"table": name, "step": step, "has_source": name in into, "raw": sorted({edge[1] for edge in edges if is_raw(edge)}),
            "edges": [dict(zip(names, edge)) for edge in sorted(edges)]}


def is_raw(edge):
    schema = edge[1].rpartition(".")[0]
    return edge[2] == PATH or re.split(r"[_.-]", schema)[-1].lower() in ("bronze", "raw")


def sources(lineage, taken):
    """Every gold table has a source."""
    found, tables = Found(), lineage["tables"]
    without = [table["table"] for table in tables if not table["has_source"]]
    for table in without:
        found.add(table, "a gold table without any upstream edge")
    for table in tables:
        if any(edge["source_is_of"] == ANOTHER for edge in table["edges"]):
            found.add(table["table"], "made from something of another site's")
    ours = counted("tables of this site's gold schemas", len(tables))
    theirs = counted("those with an upstream edge", len(tables) - len(without))
    between = found.between("gold tables and their sources", ours, theirs, taken)
    if not lineage["complete"] and not taken["cut"]:
        between["standing"] = {"cut": {"why": "the gold tables were not read to their end"}}
    return between

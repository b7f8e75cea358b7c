"""Populations, their samples and reconciliations, made again from the log and the files that it names.

A part of verify_bundle.py. Needs Python's standard library only.
"""
import json

import verify_lineage
from verify_forms import Unseen, canonical, demand, digest, gone
from verify_log import Incomplete
from verify_reconcile import BY_SERVICE, reconciled, ticketed, words
from verify_records import Records, at, cell, deleted, readback, result, rows_of, table, text

READ, VERSION, SAMPLE = "population.read", 1, 25
DATA = "population/reconciliation.json"
OWN_LOG = "this site's own log, not a list of the platform's"

# Lists of objects of one kind, with the columns behind id, reason and step.
OBJECTS = {
    "workspaces": "workspace name region status tier tags", "credentials": "credentials name role",
    "storage-configurations": "storage_configuration name bucket", "networks": "network name vpc",
    "vpc-endpoints": "vpc_endpoint name region use state",
    "private-access-settings": "private_access_settings name public_access level",
    "customer-managed-keys": "customer_managed_key uses key",
    "network-connectivity-configs": "network_connectivity_config name region", "groups": "group name external_id",
    "budgets": "budget name", "budget-policies": "budget_policy name tags",
    "assignments": "workspace_assignment workspace principal permissions", "cluster-policies": "cluster_policy name",
    "storage-credentials": "storage_credential name owner isolation",
    "external-locations": "external_location name url owner isolation",
    "catalogs": "catalog name owner isolation storage", "schemas": "schema name owner",
}
KINDS = [(name, "databricks." + told.split()[0]) for name, told in OBJECTS.items()]
COLUMNS = {name: ["id", "this site's by", "step", *(one.replace("_", " ") for one in told.split()[1:])]
           for name, told in OBJECTS.items()}
COLUMNS.update({
    "members": ["group id", "group", "member id", "step"],
    "users": ["id", "type", "can sign in", "this site's by", "at the identity source", "left"],
    "grants": ["type", "object", "principal", "privileges", "step"],
    "audit-events": ["at", "who", "method", "path", "workspace", "entry"],
    verify_lineage.GOLD: ["table", "schema", "type", "step"],
    verify_lineage.EDGES: ["source", "target", "source type", "source is of"],
})
# What is drawn from the log: columns, and where in a read-back they stand.
DRAWN = {
    "workspaces": ("workspace", "id=workspace_id name=workspace_name region=aws_region status=workspace_status "
                   "tier=pricing_tier tags=custom_tags"),
    "catalogs": ("catalog", "name=name owner=owner isolation=isolation_mode storage=storage_root"),
    "groups": ("group", "id=id name=displayName"),
    "assignments": ("workspace_assignment", "workspace=workspace_id principal=principal_id permissions=permissions"),
}
CHANGES = ["intent", "step", "kind", "call", "from", "to", "plan", "who", "sent at", "accepted by", "result", "result by"]
ACCESS = ["object", "who", "right", "step", "observed at", "entry", "read back"]
LEAD = ["population", "file", "source", "created", "from", "to", "size", "sample size", "sampling", "attributes tested",
        "statement"]
RECONCILED = ["what", "our source", "our count", "other source", "other count", "differences", "standing", "item", "detail"]
QUERIES = {
    "audit-events": "calls that changed something of this site's, by anybody; a call of the program's own has the entry of "
                    "the log that announced it",
    "users": "users and service principals that are assigned to a workspace of this site's, or in a group that leads into it",
    "members": "members of each group that is this site's, is named for it, or is assigned to a workspace of its own",
    "grants": "direct grants on each catalog, schema, location and storage credential of this site's",
    verify_lineage.GOLD: "tables in each schema of this site's log that says by property or name that it is gold",
    verify_lineage.EDGES: "the sources of each gold table and of each of their sources, as far as they are not another site's; "
                          "a row without a source is a writer that names none",
}
OBJECTS_QUERY = ("rows of objects that the site's log holds, whose tag or name says this site, or that are inside an object "
                 "of the site's")
ASKED = {
    "change": ["documented: the launch is tied to a ticket", "tested: a check passed before the change",
               "approved: before the change, by nobody who asked for it or built it",
               "read back: the object was seen as desired afterwards"],
    "object": ["documented: the site's log holds it", "approved: the plan that last changed it",
               "read back: it was seen as desired after its last change"],
    "access": ["requested: its plan was asked for by somebody", "approved: by nobody who asked for it or built it",
               "reviewed: a review of rights was closed after it was given"],
    "event": ["documented: it is a change of the site's log", "approved: the plan behind it"],
    "edge": ["sourced: the source is told", "own: the source is not another site's"],
}
SORTS = {"changes": "change", "grants": "access", "assignments": "access", "members": "access", "users": "access",
         "audit-events": "event", verify_lineage.EDGES: "edge"}
NO_RECORD = "no record"


def check(files, site, entries, decisions):
    """Whether populations, samples and reconciliations are what the log and its files come to."""
    reads = [entry for entry in entries if entry["kind"] == READ]
    for entry in reads:
        demand(entry["body"].get("v", 0) <= VERSION, f"entry {entry['seq']} is of a newer program")
    there, spared = {digest(data) for data in files.values()}, gone(entries)
    for entry in entries:
        for ref in entry.get("refs", []):
            if ref["sha256"] not in there and ref["sha256"] not in spared:
                raise Unseen(f"not made again, because entry {entry['seq']} names {ref['path']!r}, which is not there")
    if DATA not in files:
        demand(not reads, f"the log keeps a population, but {DATA} is missing", Incomplete)
        return "drawn from the log by an older program; not made again"
    demand(json.loads(files[DATA])["v"] == VERSION, f"{DATA} has a format that is not known")
    records = Records(f"site/{site}", entries, files, decisions)
    made, populations, comparisons = tables(records)
    for path, data in made.items():
        demand(path in files, f"{path} is missing", Incomplete)
        demand(files[path] == data, f"{path} is not what the log and its files come to")
    odd = sorted(path for path in files if path.startswith("population/") and path not in made)
    demand(not odd, f"{odd[:1]} is no population of this log")
    lists = sum(1 for one in populations if one["taken"])
    agree = sum(1 for one in comparisons if one["standing"] == "agrees")
    return f"{len(populations)} populations made again, {lists} of them lists of the platform; {agree} of {len(comparisons)} " \
           "reconciliations agree"


def tables(records):
    """Every file of populations by path, and what they were made of."""
    taken = newest(records)
    comparisons = reconciled(records, taken, KINDS)
    lineage = verify_lineage.followed(taken)
    if lineage:
        comparisons.append(verify_lineage.sources(lineage, taken[verify_lineage.EDGES]))
    all_of = []
    for one in drawn(records):
        listed = taken.pop(one["name"], None)
        all_of.append(of_platform(listed) if listed else one)
    all_of += [of_platform(taken[name]) for name in COLUMNS if name in taken]
    files, lead, samples, tests = {}, [], [], Tests(records)
    for one in all_of:
        path = f"population/{one['name']}.csv"
        data = table(one["columns"], one["rows"])
        files[path] = data
        files[f"population/{one['name']}.query.txt"] = query_text(one, len(records.entries)).encode()
        approach, places = sampled(len(one["rows"]), digest(data))
        asked = ASKED[SORTS.get(one["name"], "object")]
        for place in places:
            results = tests.of(one, one["rows"][place])
            samples += [[one["name"], str(place + 1), one["rows"][place][0], attribute, found, ""]
                        for attribute, found in zip(asked, results)]
        first, last = one["span"] or ("", "")
        created = one["taken"]["body"]["ended"] if one["taken"] else "with the bundle"
        lead.append([one["name"], path, source(one), created, first, last, str(len(one["rows"])), str(len(places)), approach,
                     "; ".join(asked), nothing(one) or ""])
    files["lead-sheet.csv"] = table(LEAD, lead)
    files["population/samples.csv"] = table(["population", "row", "id", "attribute", "result", "auditor"], samples)
    files["population/reconciliation.csv"] = table(RECONCILED, read_back(records) + compared_rows(comparisons))
    files[DATA] = canonical({"v": VERSION, "reconciled": comparisons}).encode()
    if lineage:
        files[verify_lineage.DATA] = canonical(lineage).encode()
    return files, all_of, comparisons


def newest(records):
    """The newest list of each population that the log keeps. What does not add up fails."""
    found = {}
    for entry in records.entries:
        if entry["kind"] == READ and entry["body"].get("v") == VERSION and entry["body"].get("population") in COLUMNS:
            found[entry["body"]["population"]] = entry
    return {name: added_up(name, entry, records.blobs) for name, entry in found.items()}


def added_up(name, entry, blobs):
    body, seq = entry["body"], entry["seq"]
    rows = rows_of(blobs.get(body["csv"], b""))
    demand(rows and rows[0] == COLUMNS[name], f"entry {seq} names rows that are not there or are no table")
    demand(len(rows) - 1 == body["rows"], f"entry {seq} says {body['rows']} rows, and its file has {len(rows) - 1}")
    told = sum(items for call in body["calls"] for items in call["pages"])
    fits = told <= body["items"] if body.get("more_calls") else told == body["items"]
    demand(fits, f"entry {seq} says {body['items']} items, and its pages have {told}")
    counted = body["rows"] + sum(body.get("others", {}).values())
    demand(counted == body["items"], f"entry {seq} says {body['items']} items, and counts {counted} as somebody's")
    cut = next((call["end"]["cut"]["why"] for call in body["calls"] if "cut" in call["end"]), None)
    return {"name": name, "entry": seq, "body": body, "rows": rows[1:], "cut": cut}


def of_platform(taken):
    body, name = taken["body"], taken["name"]
    return {"name": name, "columns": COLUMNS[name], "rows": taken["rows"], "taken": taken,
            "span": (body["began"], body["ended"]), "query": QUERIES.get(name, OBJECTS_QUERY)}


def drawn(records):
    """What the log itself says, where no list was read."""
    for name, (kind, told) in DRAWN.items():
        pairs = [one.split("=") for one in told.split()]
        seen = [one for one in records.objects if one["kind"] == f"databricks.{kind}"]
        rows = [[one["step"], records.id(one["entry"]), one["entry"]["at"],
                 *(cell(at(one["live"], f"/{where}")) if one["there"] else "the read-back is not there" for _, where in pairs)]
                for one in seen]
        yield of_log(name, ["step", "entry", "observed at", *(column for column, _ in pairs)], rows,
                     f"the last step.succeeded entry of each step of kind databricks.{kind}, unless it says deleted; columns "
                     "from the read-back it names", [one["entry"]["at"] for one in seen])
    rights = records.rights()
    rows = [[on, who, right, seen["step"], seen["entry"]["at"], records.id(seen["entry"]), named(seen["named"])]
            for on, who, right, seen in rights]
    yield of_log("grants", ACCESS, rows, "the last read-back of each databricks.grants, permissions, workspace_assignment and "
                 "workspace_bindings step, a row for each object, principal and right", [one[3]["entry"]["at"] for one in rights])
    yield of_log("changes", CHANGES, [change_row(records, change) for change in records.changes],
                 "every step.applying entry, which is written before a call that changes something, with the entries that "
                 "accepted and ended it", [change["intent"]["at"] for change in records.changes])


def of_log(name, columns, rows, query, moments):
    span = (min(moments), max(moments)) if moments else None
    return {"name": name, "columns": columns, "rows": rows, "taken": None, "span": span, "query": query}


def named(ref):
    return f"{ref['path']} sha256:{ref['sha256']}" if ref else ""


def change_row(records, change):
    intent, ended, accepted = change["intent"], change["ended"], change["accepted"]
    call, spec = text(intent, "/call") or "", text(intent, "/desired/spec_digest")
    unknown = "not recorded in this log"
    before = f"read back sha256:{readback(change['before'])['sha256']}" if change["before"] else None
    after = "deleted" if call == "delete" else f"spec sha256:{spec}" if spec is not None else unknown
    return [records.id(intent), intent["step"], text(intent, "/desired/kind") or "", call,
            before or ("not there" if call == "create" else unknown), after, intent.get("plan", "none"), intent["actor"]["id"],
            intent["at"], records.id(accepted) if accepted else "", result(ended) if ended else "no outcome",
            records.id(ended) if ended else ""]


def source(one):
    if not one["taken"]:
        return OWN_LOG
    body = one["taken"]["body"]
    who = body.get("read_as") or "an identity that the way of signing in does not tell"
    pages, more = sum(len(call["pages"]) for call in body["calls"]), body.get("more_calls", 0)
    return (f"lists of target {body['target']}, read by {who} in {pages} pages{f' and {more} more calls' if more else ''}; "
            + ("NOT COMPLETE" if one["taken"]["cut"] else "every page read"))


def nothing(one):
    """What a population's being empty says."""
    if one["rows"]:
        return None
    if not one["taken"]:
        return "No record: this site's log has none. That does not say that there is none."
    body, cut = one["taken"]["body"], one["taken"]["cut"]
    if cut:
        return f"No statement: the list was not read to its end ({cut})."
    if not body["calls"]:
        return "No record: the target gives no such list."
    return (f"Nothing happened and nothing is there: the platform's lists were read to their end, from {body['began']} to "
            f"{body['ended']}, and none of their {body['items']} items is this site's.")


def query_text(one, entries):
    if one["taken"]:
        lines = platform_lines(one)
    else:
        lines = [("Population", one["name"]), ("Source", f"{OWN_LOG}: journal/site.jsonl with {entries} entries"),
                 ("Query", one["query"]), ("Rows", len(one["rows"])),
                 ("Paging", "none: every row comes from a read of one object, recorded in the log; no list of"),
                 ("", "the platform was paged, so objects made beside this program are not in it")]
    lines += [("Statement", nothing(one))] if nothing(one) else []
    return "".join(f"{name:<12}{value}\n" for name, value in lines)


def platform_lines(one):
    body, others = one["taken"]["body"], one["taken"]["body"].get("others", {})
    lines = [
        ("Population", one["name"]), ("Source", f"lists of the platform, target {body['target']}"),
        ("Read as", body.get("read_as") or "not told by the way of signing in"), ("Began", body["began"]),
        ("Ended", body["ended"]),
        ("Items", f"{body['items']} in all: {body['rows']} of this site, {others.get('known', 0)} of other scopes of the estate, "
                  f"{others.get('unknown', 0)} that no log knows"),
        ("Rows", body["rows"]), ("Rows file", f"sha256:{body['csv']}"),
        ("Recorded", f"entry {one['taken']['entry']} of journal/site.jsonl"), ("Query", one["query"]),
    ]
    for call in body["calls"]:
        end = call["end"]
        told = f"the last page was read: {end['exhausted']['proof']}" if "exhausted" in end else f"NOT COMPLETE: {end['cut']['why']}"
        query = f"?{call['query']}" if call.get("query") else ""
        lines += [("Call", f"{call['call']}{query} at {call['host']}"),
                  ("Paging", f"{len(call['pages'])} pages of {' + '.join(map(str, call['pages']))} items; {told}")]
    more = body.get("more_calls", 0)
    return lines + ([("Calls", f"{more} more of the same form, each read to its last page")] if more else [])


def sampled(size, data_digest):
    """Which rows are taken, and how that is said: every k-th, from a place that the population's digest gives."""
    if size <= SAMPLE:
        return "all items: there are no more than a sample has", list(range(size))
    step = size // SAMPLE
    first = int(data_digest[:16], 16) % step
    told = (f"every {step}. row from row {first + 1}: the first 8 bytes of the SHA-256 of the population's file, as a number, "
            f"modulo {step} is {first}")
    return told, [first + number * step for number in range(SAMPLE)]


def read_back(records):
    """What was applied against what was read back afterwards."""
    last = {change["intent"]["step"]: change for change in records.changes}
    differences = []
    for step in sorted(last):
        end = last[step]["ended"]
        ref = end and readback(end)
        if end is None:
            differences.append((step, "sent, but no outcome is recorded"))
        elif end["kind"] == "step.failed":
            differences.append((step, "the step failed; what is there is not known"))
        elif not deleted(end) and not ref:
            differences.append((step, f"entry {end['seq']} names no read-back"))
        elif not deleted(end) and ref["sha256"] not in records.blobs:
            differences.append((step, f"entry {end['seq']} names a read-back that is not there"))
    untouched = sum(1 for one in records.objects if one["kind"] is not None and one["step"] not in last)
    counts = [("objects changed according to the log", len(last), ""),
              ("of these read back afterwards, or seen to be gone", len(last) - len(differences), str(len(differences))),
              ("objects found as they should be", untouched, "")]
    rows = [[what, "this site's log", str(count), "", "", differ, "", "", ""] for what, count, differ in counts]
    return rows + [["difference: read back", "this site's log", "", "", "", "", "", step, what] for step, what in differences]


def compared_rows(comparisons):
    rows = []
    for one in comparisons:
        ours, theirs = ([side["source"], str(side.get("count", "missing"))] for side in (one["ours"], one["theirs"]))
        unknown = isinstance(one["standing"], dict) and "missing" in one["standing"]
        differences = "not known" if unknown else str(one["differences"])
        rows.append([one["what"], *ours, *theirs, differences, words(one["standing"]), "", ""])
        rows += [[f"difference: {one['what']}", *[""] * 6, each["item"], each["detail"]] for each in one.get("listed", [])]
    return rows


class Tests:
    """What the records say of each attribute of a sampled item."""

    def __init__(self, records):
        self.records = records
        self.by_seq = {change["intent"]["seq"]: change for change in records.changes}
        self.last = {change["intent"]["step"]: change for change in records.changes}
        self.tickets = [entry for entry in records.entries if ticketed(records, entry)]
        self.checks = list(filter(is_check, records.entries))
        self.reviews = [entry for entry in records.entries if entry["kind"] == "recertification.closed"]

    def of(self, population, row):
        cells = dict(zip(population["columns"], row))
        sort = SORTS.get(population["name"], "object")
        if sort in ("change", "event"):
            _, mark, seq = cells["intent" if sort == "change" else "entry"].rpartition("#")
            change = self.by_seq.get(int(seq)) if mark and seq.isdecimal() else None
        else:
            change = self.last.get(cells.get("step", ""))
        return getattr(self, "of_" + sort)(cells, change)

    def of_change(self, _, change):
        if not change:
            return [NO_RECORD] * 4
        return [self.documented(change), self.tested(change), self.approved(change), self.read_back(change)]

    def of_object(self, cells, change):
        if not cells["step"]:
            by_service = cells.get("this site's by") == BY_SERVICE
            return [f"not asked: {BY_SERVICE}" if by_service else "fail: no log holds it", NO_RECORD, NO_RECORD]
        seen = [self.approved(change), self.read_back(change)] if change else [NO_RECORD] * 2
        return [f"pass: {cells['step']}", *seen]

    def of_access(self, _, change):
        return [self.requested(change), self.approved(change), self.reviewed(change)] if change else [NO_RECORD] * 3

    def of_event(self, _, change):
        return [self.passed(change["intent"]), self.approved(change)] if change else \
            ["fail: it is no change of the log", NO_RECORD]

    def of_edge(self, cells, _):
        if not cells["source"]:
            return [NO_RECORD] * 2
        whose = cells["source is of"]
        return [f"pass: {cells['source type']}", f"{'fail' if whose == verify_lineage.ANOTHER else 'pass'}: {whose}"]

    def passed(self, entry):
        return f"pass: {self.records.id(entry)}" if entry else NO_RECORD

    def documented(self, change):
        intent = change["intent"]
        same = (entry for entry in self.tickets
                if any(part in entry and entry[part] == intent.get(part) for part in ("run", "plan")))
        return self.passed(next(same, None))

    def tested(self, change):
        before = [entry for entry in self.checks if entry["seq"] < change["intent"]["seq"]]
        good = [entry for entry in before if entry["body"].get("passed") is not False]
        if good or not before:
            return self.passed(good[-1] if good else None)
        return f"fail: {self.records.id(before[-1])}"

    def decided(self, change, act):
        for seq, body in self.records.decisions:
            told = body["statement"]
            about = told["subject"]["kind"] == "plan" and told["subject"]["digest"] == change["intent"].get("plan")
            if about and act in told["act"]:
                yield seq, told

    def requested(self, change):
        seq = next((seq for seq, _ in self.decided(change, "request")), None)
        return NO_RECORD if seq is None else f"pass: {self.records.log}#{seq}"

    def approved(self, change):
        authors = set()
        for _, told in self.decided(change, "request"):
            authors |= {told["person"], *told["act"]["request"]["built_by"]}
        given = [(seq, told["person"]) for seq, told in self.decided(change, "approve")]
        good = [seq for seq, person in given if seq < change["intent"]["seq"] and person not in authors]
        if good:
            return f"pass: {self.records.log}#{good[0]}"
        return f"fail: {self.records.log}#{given[0][0]} is by an author or came afterwards" if given else NO_RECORD

    def read_back(self, change):
        end = change["ended"]
        if end and end["kind"] == "step.failed":
            return f"fail: {self.records.id(end)}"
        return self.passed(end if end and (readback(end) or deleted(end)) else None)

    def reviewed(self, change):
        given = (change["ended"] or change["intent"])["at"]
        return self.passed(next((entry for entry in self.reviews if entry["at"] >= given), None))


def is_check(entry):
    kind = text(entry, "/kind") or ""
    return entry["kind"] == "item.recorded" or (entry["kind"] == "evidence.recorded" and kind.startswith(("test.", "rehearsal.")))

"""What a site's log says of objects, calls and rights, read from its entries and the files that they name.

A part of verify_bundle.py. Needs Python's standard library only.
"""
import json

from verify_forms import digest

# The fields without which an entry of a run is not understood, and with it the whole log.
NEEDED = {
    "run.started": "at", "run.recovered": "at", "run.stopping": "", "run.suspended": "", "run.aborting": "",
    "run.retried": "at round", "run.ended": "outcome counts", "step.applying": "attempt call deadline desired",
    "step.applied": "attempt at", "step.found": "attempt at", "step.rested": "attempt until why",
    "step.polled": "attempt next settles_from seen", "step.woke": "attempt",
    "step.succeeded": "attempt effect polls settled_in", "step.failed": "attempt cause", "step.blocked": "by",
    "object.adopted": "desired id reason",
}
NAMED = {"databricks.group": ("id", "displayName"), "databricks.workspace": ("workspace_id", "workspace_name"),
         "databricks.cluster_policy": ("policy_id", "name")}


def at(value, pointer):
    """What stands at a JSON pointer; none if nothing does."""
    for part in pointer.split("/")[1:]:
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def text(entry, pointer):
    found = at(entry["body"], pointer)
    return found if isinstance(found, str) else None


def written(value):
    """A value as a cell shows it."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list):
        return " ".join(map(written, value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def cell(value):
    """The same in a table; of an object, its fields."""
    if isinstance(value, dict):
        return "; ".join(f"{name}={written(value[name])}" for name in sorted(value))
    return written(value)


def in_csv(value):
    shown = f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    return '"' + shown.replace('"', '""') + '"' if any(mark in shown for mark in ',"\n\r') else shown


def table(columns, rows):
    """A table as it stands in a bundle: RFC 4180, and no cell begins like a formula."""
    return "".join(",".join(map(in_csv, row)) + "\r\n" for row in [columns, *rows]).encode()


def rows_of(data):
    """The rows of such a table with its head first; none if it is not one."""
    try:
        letters = data.decode()
    except UnicodeDecodeError:
        return None
    rows, row, value, quoted, place = [], [], "", False, 0
    while place < len(letters):
        letter, after = letters[place], letters[place + 1:place + 2]
        place += 1
        if quoted:
            if letter == '"' and after == '"':
                value, place = value + '"', place + 1
            elif letter == '"':
                quoted = False
            else:
                value += letter
        elif letter == '"' and not value:
            quoted = True
        elif letter == ",":
            row.append(value)
            value = ""
        elif letter == "\r" and after == "\n":
            rows.append([*row, value])
            row, value, place = [], "", place + 1
        elif letter in '"\r\n':
            return None
        else:
            value += letter
    whole = rows and not (quoted or value or row) and all(len(one) == len(rows[0]) for one in rows)
    return rows if whole else None


def readback(entry):
    return next((ref for ref in entry.get("refs", []) if ref["path"].startswith("readback/")), None)


def deleted(entry):
    return text(entry, "/effect") in ("deleted", "already-gone")


def result(entry):
    """How a step came out."""
    if text(entry, "/redacted") is not None:
        return f"redacted: {text(entry, '/redacted')}"
    if entry["kind"] == "step.failed":
        return f"failed: {text(entry, '/cause/message') or ''}"
    return text(entry, "/effect") or ""


class Records:
    """A site's log with the files that it names."""

    def __init__(self, log, entries, files, decisions):
        self.log, self.entries, self.decisions = log, entries, decisions
        self.blobs = {digest(data): data for data in files.values()}
        self.changes = self.drawn_changes()
        self.objects = self.seen()

    def id(self, entry):
        return f"{self.log}#{entry['seq']}"

    def drawn_changes(self):
        """Every intent to change something, with what became of it."""
        changes, open_ones, seen = [], {}, {}
        for entry in self.entries:
            step, kind = entry.get("step"), entry["kind"]
            if step is None:
                continue
            if kind == "step.applying":
                changes.append({"intent": entry, "accepted": None, "ended": None, "before": seen.get(step)})
                open_ones.setdefault(step, []).append(changes[-1])
            elif kind in ("step.applied", "step.found") and open_ones.get(step):
                last = open_ones[step][-1]
                last["accepted"] = last["accepted"] or entry
            elif kind in ("step.succeeded", "step.failed"):
                for change in open_ones.pop(step, []):
                    change["ended"] = entry
                if readback(entry):
                    seen[step] = entry
        return changes

    def seen(self):
        """Every object as it was last seen, by step, but for those that were deleted since."""
        kinds, last = {}, {}
        for entry in self.entries:
            step = entry.get("step")
            if step is None:
                continue
            if text(entry, "/desired/kind") is not None:
                kinds[step] = text(entry, "/desired/kind")
            if entry["kind"] == "step.succeeded":
                last[step] = entry
        return [self.look(step, kinds.get(step), last[step]) for step in sorted(last) if not deleted(last[step])]

    def look(self, step, kind, entry):
        named, live, there = readback(entry), None, False
        if named and named["sha256"] in self.blobs:
            try:
                live, there = json.loads(self.blobs[named["sha256"]]), True
            except ValueError:
                pass
        return {"step": step, "kind": kind, "entry": entry, "named": named, "live": live, "there": there}

    def rights(self):
        """Who may do what, by object, from the last read-backs."""
        names = {}
        for seen in self.objects:
            if seen["kind"] in NAMED and seen["there"]:
                key, name = (at(seen["live"], "/" + part) for part in NAMED[seen["kind"]])
                both = all(isinstance(seen["live"], dict) and part in seen["live"] for part in NAMED[seen["kind"]])
                names.update({written(key): written(name)} if both else {})
        found = []
        for seen in self.objects:
            if seen["kind"] in RIGHTS:
                gone = [(seen["step"], "", "the read-back is not there")]
                found += [(*one, seen) for one in (RIGHTS[seen["kind"]](seen["live"], names) if seen["there"] else gone)]
        return sorted(found, key=lambda one: one[:3])

    def held(self, before):
        """What the log held before an entry, by step; none if the log cannot be understood."""
        tracks = {}
        for entry in self.entries:
            if entry["seq"] < before and entry["kind"] != "population.read":
                if not understood(entry):
                    return None
                step = entry.get("step")
                if step is not None:
                    tracks[step] = track(tracks.get(step, NOTHING), entry)
        shown = {step: shown_of(tracks[step]) for step in sorted(tracks)}
        return {step: one for step, one in shown.items() if one}


# What is known of a step: (kind, id) of what is ours; a call about to be sent, and one whose answer never came, each
# (call, kind); whether a create met what cannot be ours.
NOTHING = (None, None, None, False)


def understood(entry):
    kind = entry["kind"]
    if kind not in NEEDED or (kind == "object.adopted" and "step" not in entry):
        return True
    there = all(entry["body"].get(name) is not None for name in NEEDED[kind].split())
    return there and ("step" in entry or not kind.startswith("step.")) and isinstance(entry["body"].get("desired", {}), dict)


def track(known, entry):
    """What is known of a step after one more entry."""
    ours, intent, doubt, contested = known
    kind, body = entry["kind"], entry["body"]
    wanted = at(body, "/desired/kind")
    if kind == "object.adopted":
        return (wanted, body["id"]), None, None, False
    if kind == "step.applying":
        intent, doubt = None, in_doubt(known)
        return (None if body["call"] == "create" else ours), (body["call"], wanted), doubt, contested
    if kind == "step.applied":
        return (effected(ours, intent, body.get("id")) if intent else ours), None, None, False
    if kind == "step.rested" and body["why"] == "in-doubt":
        return ours, None, in_doubt(known), contested
    if kind == "step.rested" and body["why"] == "conflict":
        return ours, None, doubt, contested or (intent is not None and intent[0] == "create" and doubt is None)
    if kind in ("step.rested", "step.failed"):
        return ours, None, doubt, contested
    if kind == "step.found":
        return found(known, body.get("id"))
    if kind == "step.succeeded" and deleted(entry):
        return NOTHING
    if kind == "step.succeeded":
        ours, intent, doubt, contested = found(known, body.get("id"))
        return ((wanted, ours[1]) if ours and wanted else ours), intent, doubt, contested
    return known


def in_doubt(known):
    """A create in doubt stays in doubt whatever call came after it."""
    _, intent, doubt, contested = known
    if intent is None or (contested and intent[0] == "create"):
        return doubt
    return doubt if doubt and doubt[0] == "create" and intent[0] != "create" else intent


def found(known, own):
    doubt = in_doubt(known)
    ours = effected(known[0], doubt, own) if doubt else known[0]
    return ((ours[0], own) if ours and own else ours), None, None, known[3]


def effected(ours, intent, own):
    call, kind = intent
    if call == "delete" and ours:
        return ours
    return (kind, own or ours[1]) if call == "update" and ours else (kind, own)


def shown_of(known):
    ours, intent, doubt, contested = known
    proves = intent if intent and not (contested and intent[0] == "create") else None
    open_call = doubt or proves
    return ours or ((open_call[1], None) if open_call else None)


def items(value, pointer):
    found_there = at(value, pointer)
    return found_there if isinstance(found_there, list) else []


def with_name(names, key):
    return f"{names[key]} (id {key})" if key in names else f"id {key}"


def grants(live, _):
    on = f"{written(at(live, '/securable_type'))} {written(at(live, '/full_name'))}"
    return [(on, written(at(one, "/principal")), written(right))
            for one in items(live, "/privilege_assignments") for right in items(one, "/privileges")]


def permissions(live, names):
    on = f"{written(at(live, '/object_type'))} {with_name(names, written(at(live, '/object_id')))}"
    rows = []
    for one in items(live, "/access_control_list"):
        who = "".join(written(at(one, pointer)) for pointer in ("/group_name", "/user_name", "/service_principal_name"))
        for level in items(one, "/all_permissions"):
            origin = " (inherited)" if at(level, "/inherited") is True else ""
            rows.append((on, who, written(at(level, "/permission_level")) + origin))
    return rows


def assignment(live, names):
    on = f"workspace {with_name(names, written(at(live, '/workspace_id')))}"
    who = with_name(names, written(at(live, "/principal_id")))
    return [(on, who, written(right)) for right in items(live, "/permissions")]


def bindings(live, names):
    on = f"{written(at(live, '/securable_type'))} {written(at(live, '/securable_name'))}"
    return [(on, f"workspace {with_name(names, written(at(one, '/workspace_id')))}", written(at(one, "/binding_type")))
            for one in items(live, "/bindings")]


RIGHTS = {"databricks.grants": grants, "databricks.permissions": permissions,
          "databricks.workspace_assignment": assignment, "databricks.workspace_bindings": bindings}

"""What the log says held against lists that the program does not control: every comparison made again.

A part of verify_bundle.py. Needs Python's standard library only.
"""
import json
from collections import Counter

from verify_records import deleted

LISTED_MOST = 500
BY_SERVICE, GONE = "made by the service", "taken away"
NOT_READ, NOT_GIVEN = "not read: landfall evidence collect reads it", "no source given"
OWN_LOG = "this site's log"


class Found:
    """Differences while they are counted."""

    def __init__(self):
        self.count, self.listed = 0, []

    def add(self, item, detail):
        self.count += 1
        if len(self.listed) < LISTED_MOST:
            self.listed.append({"item": item, "detail": detail})

    def add_many(self, count, detail):
        if count > 0:
            self.count += count
            self.listed.append({"item": str(count), "detail": detail})

    def between(self, what, ours, theirs, taken):
        cut = taken and taken["cut"]
        standing = {"cut": {"why": cut}} if cut else "differs" if self.count else "agrees"
        one = {"what": what, "ours": ours, "theirs": theirs, "standing": standing, "differences": self.count}
        one.update({"listed": self.listed} if self.listed else {})
        one.update({"at": taken["body"]["ended"]} if taken else {})
        return one


def counted(source, count):
    return {"source": source} if count is None else {"source": source, "count": count}


def missing(what, ours, source, why):
    standing = {"missing": {"why": why}}
    return {"what": what, "ours": ours, "theirs": counted(source, None), "standing": standing, "differences": 0}


def words(standing):
    """A standing in a word, with the reason where there is one."""
    if isinstance(standing, str):
        return {"agrees": "agrees", "differs": "DIFFERS"}[standing]
    if "missing" in standing:
        return f"source missing: {standing['missing']['why']}"
    return f"NOT COMPLETE: {standing['cut']['why']}"


def reconciled(records, taken, listed):
    """Every comparison that the records allow, and every one that they do not."""
    found = [whole_account(taken.get("workspaces"))]
    for name, kind in listed:
        found += objects(name, kind, taken.get(name), records)
    changes = [change for change in records.changes if was_taken(change)]
    found.append(tickets(records, changes))
    found += events(taken.get("audit-events"), changes, records)
    return found + [users(taken.get("users")), leavers(taken.get("users"))]


def was_taken(change):
    """Whether the service took it: what it refused left nothing behind."""
    end = change["ended"]
    return change["accepted"] is not None or (end is not None and (end["kind"] == "step.succeeded" or deleted(end)))


def whole_account(taken):
    what = "workspaces of the whole account"
    if not taken:
        return missing(what, counted("logs of the estate", None), "list of the account", NOT_READ)
    others, found = taken["body"].get("others", {}), Found()
    for row in taken["rows"]:
        if not row[2] and row[1] != GONE:
            found.add(row[0], "in the list, in no log of the estate")
    found.add_many(others.get("unknown", 0), "in the list, in no log of the estate, and not of this site")
    known = sum(1 for row in taken["rows"] if row[2]) + others.get("known", 0)
    ours = counted("logs of the estate", known)
    return found.between(what, ours, counted("list of the account", taken["body"]["items"]), taken)


def objects(name, kind, taken, records):
    what, source = f"{name} of this site", "list of the platform"
    everything = records.held(taken["entry"] if taken else 1 << 64)
    if everything is None:
        why = "what the site's log holds cannot be made out"
        return [missing(what, counted(OWN_LOG, None), source, why)] if taken else []
    held = {step: own for step, (of, own) in everything.items() if of == kind}
    ours = counted(OWN_LOG, len(held))
    if not taken:
        return [missing(what, ours, source, NOT_READ)] if held else []
    rows, found, shown = [row for row in taken["rows"] if row[1] not in (BY_SERVICE, GONE)], Found(), set()
    for row in rows:
        key, why, step = row[:3]
        if step not in held:
            detail = f"in the list as {step}, which the log does not hold" if step else f"in the list ({why}), not in the log"
            found.add(key, detail)
        elif held[step] is not None and lower(held[step]) != lower(key):
            found.add(step, f"the list has {key}, the log has {held[step]}")
        elif step in shown:
            found.add(step, "in the list more than once")
        else:
            shown.add(step)
    named = {row[2] for row in rows}
    for step, own in held.items():
        if step not in named:
            found.add(step, f"in the log ({'without an id' if own is None else own}), not in the list")
    return [found.between(what, ours, counted(source, len(rows)), taken)]


def lower(key):
    return "".join(letter.lower() if letter.isascii() else letter for letter in key)


TICKET = {"change", "number", "url", "state", "approvers", "read_at", "answer", "plan", "standing"}


def ticketed(records, entry):
    """Whether a launch was tied to a ticket, which its entry tells with all that was read of it."""
    body = applied(records, entry)
    return isinstance(body, dict) and {"change", "class"} <= set(body) and TICKET <= set(body.get("ticket") or {})


def applied(records, entry):
    """The change that an entry names; none if it names none."""
    if entry["kind"] == "change.applied":
        return entry["body"]
    named = [ref for ref in entry.get("refs", []) if entry["kind"] == "run.started" and ref["path"] == "change.json"]
    try:
        return json.loads(records.blobs[named[0]["sha256"]]) if named else None
    except (KeyError, ValueError):
        return None


def tickets(records, changes):
    what, source = "changes under a ticket", "tickets that launches were tied to"
    ours = counted("changes of this site's log", len(changes))
    named = [entry for entry in records.entries if ticketed(records, entry)]
    if not named:
        return missing(what, ours, source, "no entry of this log names a ticket")
    runs, plans = ({entry[part] for entry in named if part in entry} for part in ("run", "plan"))
    intents = [change["intent"] for change in changes]
    without = Counter(intent.get("run", "no run") for intent in intents
                      if intent.get("run") not in runs and intent.get("plan") not in plans)
    found = Found()
    for run in sorted(without):
        found.add_many(without[run], f"changes of run {run}, which no ticket stands behind")
    return found.between(what, ours, counted(source, len(changes) - found.count), None)


def events(taken, changes, records):
    both, others = "changes and audit events", "changes by others than this program"
    source, their_source = "audit events of the program's own identity", "audit events of others"
    before = [change for change in changes if not taken or change["intent"]["seq"] < taken["entry"]]
    ours, none = counted("changes of this site's log", len(before)), counted(OWN_LOG, 0)
    why = NOT_READ
    if taken:
        why = None if taken["body"]["calls"] else "the target gives no audit events"
        why = why if taken["body"].get("read_as") is not None else "the way of signing in does not say as whom"
    if why:
        return [missing(both, ours, source, why), missing(others, none, their_source, why)]
    own = [row for row in taken["rows"] if row[1] == taken["body"]["read_as"]]
    foreign = [row for row in taken["rows"] if row[1] != taken["body"]["read_as"]]
    found, other, used = Found(), Found(), set()
    known, explained = [records.id(change["intent"]) for change in before], {row[5] for row in own}
    for one in known:
        if one not in explained:
            found.add(one, "a change of the log that no audit event shows")
    for row in own:
        if row[5] not in known or row[5] in used:
            found.add(f"{row[0]} {row[2]} {row[3]}", "an audit event that is no change of the log")
        used.add(row[5])
    for row in foreign:
        other.add(f"{row[0]} {row[2]} {row[3]}", f"by {row[1]}")
    return [found.between(both, ours, counted(source, len(own)), taken),
            other.between(others, none, counted(their_source, len(foreign)), taken)]


def compared(taken, word):
    return next((one for one in taken["body"].get("compared", []) if one["with"] == word), None) if taken else None


def users(taken):
    what, source, one = "users of the account", "the identity provider", compared(taken, "identity")
    if not one:
        able = sum(1 for row in taken["rows"] if row[2] == "yes") if taken else None
        ours = counted("users with a way into this site who can sign in", able)
        return missing(what, ours, source, NOT_GIVEN if taken else NOT_READ)
    found, strangers = Found(), [row for row in taken["rows"] if row[4] == "no"]
    for row in strangers:
        found.add(row[0], "can sign in to the account, and the identity provider does not know them")
    elsewhere = max(0, one["in_account"] - min(one["matched"], one["in_account"]) - len(strangers))
    found.add_many(elsewhere, "can sign in to the account without a way into this site, and the identity provider does not "
                              "know them")
    unknown = max(0, one["people"] - one["matched"])
    found.add_many(unknown, "known to the identity provider, and not able to sign in to the account")
    ours = counted("users of the account who can sign in", one["in_account"])
    return whole(one, found.between(what, ours, counted(source, one["people"]), taken))


def leavers(taken):
    what, source, one = "people who left", "the register of leavers", compared(taken, "leavers")
    if not one:
        return missing(what, counted("users who cannot sign in", None), source, NOT_GIVEN if taken else NOT_READ)
    found, here = Found(), [row for row in taken["rows"] if row[5] == "yes" and row[2] == "yes"]
    for row in here:
        found.add(row[0], "left, and can still sign in")
    elsewhere = max(0, max(0, one["in_account"] - one["matched"]) - len(here))
    found.add_many(elsewhere, "left, and can still sign in, without a way into this site")
    ours = counted("of those, users who cannot sign in any more", one["matched"])
    theirs = counted("people of the register of leavers whom the account has", one["in_account"])
    return whole(one, found.between(what, ours, theirs, taken))


def whole(one, comparison):
    if not one["whole"]:
        comparison["standing"] = {"cut": {"why": "the file that was given counts more people than it holds"}}
    return comparison

#!/bin/sh
# Holds Landfall's approvals against OpenSSH: what Landfall signs, `ssh-keygen -Y verify` accepts; what `ssh-keygen -Y sign`
# signs by hand, Landfall accepts; and both refuse what is changed.
#
# usage: check_ssh.sh LANDFALL
#
# Needs OpenSSH and Python 3.
set -eu
landfall=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

"$landfall" init estate >/dev/null 2>&1
cd estate
for person in pm change-control-chair platform-lead; do
    ssh-keygen -q -t ed25519 -N '' -C "$person" -f "../$person"
done
python3 - <<'PY'
import pathlib
people = pathlib.Path("sites/people.toml")
text = people.read_text()
for person in ["pm", "change-control-chair", "platform-lead"]:
    kind, blob, _ = pathlib.Path("..", person + ".pub").read_text().split()
    key = f'{{ ssh = "{kind} {blob}", from = 2026-01-01 }}'
    assert f"\n{person} = {{}}\n" in text, person
    text = text.replace(f"\n{person} = {{}}\n", f"\n{person} = {{ keys = [{key}] }}\n", 1)
people.write_text(text)
estate = pathlib.Path("sites/estate.toml")
target = '[targets.sandbox]\ndriver = "sandbox"'
assert target in estate.read_text()
estate.write_text(estate.read_text().replace(target, target + '\ngates = "enforce"', 1))
PY
"$landfall" roles enrol --yes --quiet
"$landfall" plan --wave pilot --out ../p.plan --quiet >/dev/null
"$landfall" request ../p.plan --as pm --key ../pm --role program-manager --built-by data-team-lead --quiet >/dev/null

# Signed here, verified there.
"$landfall" approve ../p.plan --as change-control-chair --key ../change-control-chair --role change-control --quiet >/dev/null
"$landfall" log org -o json >../log.jsonl
python3 - <<'PY'
import json, pathlib
entries = [json.loads(line) for line in pathlib.Path("../log.jsonl").read_text().splitlines()]
(given,) = [entry for entry in entries if entry["kind"] == "approval.given"]
# The statement holds text, whole numbers and lists alone: sorted keys without spaces are its RFC 8785 form.
statement = json.dumps(given["body"]["statement"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
pathlib.Path("../statement").write_text(statement)
pathlib.Path("../signature").write_text(given["body"]["signature"])
PY
printf 'change-control-chair namespaces="decision@landfall" %s\n' "$(cut -d' ' -f1,2 ../change-control-chair.pub)" >../signers
verify() { ssh-keygen -Y verify -f ../signers -I change-control-chair -n decision@landfall -s ../signature; }
verify <../statement
if sed 's/wave/wawe/' ../statement | verify 2>/dev/null; then
    echo "ssh-keygen accepted another statement" >&2
    exit 1
fi

# Signed there, accepted here, once.
approve() { "$landfall" approve ../p.plan --as platform-lead --role platform --quiet "$@"; }
approve --statement-out ../by-hand
ssh-keygen -q -Y sign -n decision@landfall -f ../platform-lead ../by-hand
sed 's/platform-lead/platform-leaf/' ../by-hand >../changed
if approve --statement ../changed --signature ../by-hand.sig 2>/dev/null; then
    echo "landfall accepted another statement" >&2
    exit 1
fi
approve --statement ../by-hand --signature ../by-hand.sig
"$landfall" approvals list ../p.plan | grep -q 'platform-lead as platform .* counts for shared'
if approve --statement ../by-hand --signature ../by-hand.sig 2>/dev/null; then
    echo "landfall took the same signature twice" >&2
    exit 1
fi
echo "approvals: OpenSSH and Landfall accept each other's signatures"

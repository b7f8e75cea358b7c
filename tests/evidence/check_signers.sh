#!/bin/sh
# Bundles under a P-256 key in a file and under one behind a program, checked with tools that know nothing of Landfall.
#
# usage: check_signers.sh LANDFALL [PYTHON]
#
# Launches the pilot of the estate in the working directory against the embedded sandbox, twice. Needs what
# check_stock_tools.sh needs; with PYTHON, securesystemslib checks too.
set -eu
landfall=$1
python=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
umask 077

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ||
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

check() { # name
    LANDFALL_STATE=$scratch/$1
    export LANDFALL_STATE
    "$landfall" plan --wave pilot --out "$scratch/$1.plan" >/dev/null 2>&1
    "$landfall" apply "$scratch/$1.plan" --progress none >/dev/null 2>&1
    "$landfall" evidence export --site HRB01 --out "$scratch/$1.bundle" >/dev/null 2>&1
    "$landfall" evidence verify "$scratch/$1.bundle" | tail -n 2
    grep -q ecdsa-sha2-nistp256 "$scratch/$1.bundle/keys/allowed_signers"
    echo "$1:"
    sh "$here/check_stock_tools.sh" "$scratch/$1.bundle" "$python" | tail -n 1
}

mkdir -p "$scratch/file/keys" "$scratch/program/keys"
key "$scratch/file/keys/bundle.pem"
check file

key "$scratch/program/keys/held.pem"
{
    echo 'command = ["openssl", "dgst", "-sha256", "-sign", "held.pem"]'
    echo 'public_key = """'
    openssl pkey -in "$scratch/program/keys/held.pem" -pubout
    echo '"""'
} >"$scratch/program/keys/bundle.command.toml"
check program
[ ! -e "$scratch/program/keys/bundle.pem" ]

# A program that signs with another key stops the export.
key "$scratch/program/keys/held.pem"
if "$landfall" evidence export --site HRB01 --out "$scratch/other.bundle" 2>"$scratch/said"; then
    echo "another key was believed"
    exit 1
fi
grep -o 'gave something else than a signature.*' "$scratch/said"
[ ! -e "$scratch/other.bundle" ]

#!/bin/sh
# Instructions of `landfall check` (read, resolve, render, rules, graphs) at two sizes, and how they grow: a count that
# does not depend on what else the machine does. Usage: benches/callgrind.sh [LANDFALL [SMALL LARGE]]
set -eu

landfall=${1:-target/release/landfall}
small=${2:-100}
large=${3:-200}

if ! command -v valgrind > /dev/null 2>&1; then
    echo "valgrind is not installed, so instructions are not counted"
    exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

instructions() {
    "$landfall" --quiet init --sites "$1" "$folder/$1"
    valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$landfall" --quiet --root "$folder/$1" check 2>&1 > /dev/null |
        sed -n 's/^.*Collected : \([0-9]*\).*$/\1/p'
}

first=$(instructions "$small")
second=$(instructions "$large")
awk -v a="$first" -v b="$second" -v m="$small" -v n="$large" 'BEGIN {
    printf "%d sites: %.2f thousand million instructions\n", m, a / 1e9
    printf "%d sites: %.2f thousand million instructions\n", n, b / 1e9
    printf "growth: %.3f (1 is linear)\n", log(b / a) / log(n / m)
}'

#!/usr/bin/env bash
# Makes the pictures of the README anew, from real drills of a fixed seed that are played by keys: docs/pictures.sh [FOLDER]
# (default: docs). DRILL names the program. Figures differ a little from run to run, so pictures are never equal byte by
# byte: that each is made, and shows what it is there for, is looked at instead. Ends with 1 when one does not.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
drill="$(realpath "${DRILL:-$here/../target/release/drill}")"
folder="${1:-$here}"
mkdir -p "$folder"
cd "$folder"

play() { # play SCENARIO SIZE KEYS: they take pictures on their way
    "$drill" record-screen "$1" --level 1 --seed 7 --size "$2" --script "$3" >/dev/null
}
shows() { # shows PICTURE TEXT…
    local picture="$1" text
    shift
    for text in "$@"; do
        grep -qF -- "$text" "$picture" || { echo "$folder/$picture does not show: $text" >&2; exit 1; }
    done
}

rm -f overview.svg logs.svg metrics.svg trace.svg map.svg case.svg debrief.svg
play n-plus-one 120x32 "$here/pictures.keys"
# the journeys that tests play, too
play n-plus-one 120x32 "$here/../tests/glass/n-plus-one.keys"
play ring-deadlock 120x36 "$here/../tests/glass/ring-deadlock.keys"
shows overview.svg "CRITICAL" "Services" "What changed lately" "storefront"
shows logs.svg "order history read" "queries" "Fields"
shows metrics.svg "Legend" "service=orders" "alert HistorySlow" "single requests"
shows trace.svg "GET shipping" "orders"
shows map.svg "ring" "checkout" "promotions"
shows case.svg "Evidence" "Hypotheses" "the database is slow" "rejected"
shows debrief.svg "Score" "localisation" "mechanism"

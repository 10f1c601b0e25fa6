#!/usr/bin/env bash
# The long campaign of faults against a network of this build: kills, cuts, wrong clocks, full disks, floods. Arguments go to
# ledger-faults. As root it cuts the network between the nodes; without, those faults are left out by name.
set -euo pipefail
. "$(dirname "$0")/common.sh"

"$top/scripts/build.sh" --bins
exec "$(target_dir)/debug/ledger-faults" "$@"

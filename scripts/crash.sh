#!/usr/bin/env bash
# The long crash campaign against a node of this build: kills, failing disks, damaged files. Arguments go to ledger-crash.
set -euo pipefail
. "$(dirname "$0")/common.sh"

"$top/scripts/build.sh" --bins
"$(target_dir)/debug/ledger-crash" "$@"

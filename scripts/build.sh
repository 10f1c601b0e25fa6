#!/usr/bin/env bash
# Builds the whole workspace. Always all of it: building one crate alone resolves other features and compiles most of the
# tree a second time. Arguments go to cargo.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_rocksdb

"$top/scripts/web.sh"
if [ ! -e "$(target_dir)" ]; then
    say "First build: about 900 crates. On two cores expect 5 minutes (10 with --release); later builds take seconds."
fi
cd "$top"
step "cargo build --workspace $*" cargo build --workspace --locked "$@"

#!/usr/bin/env bash
# Fuzzes every target, or those that are named: FUZZ_SECONDS=60 scripts/fuzz.sh [target...]. Corpora grow in fuzz/corpus, which git
# ignores; what breaks a target lies in fuzz/artifacts afterwards. Stable Rust; the compiler's switch below lets it instrument.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_rocksdb
fuzz_version=0.13.2
seconds=${FUZZ_SECONDS:-60}

install_fuzz() {
    CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$cache/tools/target" \
        cargo install --debug --locked --quiet --root "$cache/tools" --version "$fuzz_version" cargo-fuzz
    rm -rf "$cache/tools/target"
}

fuzz_one() {
    local target=$1
    mkdir -p "fuzz/corpus/$target"
    nice -n 19 cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/corpus-seed/$target" -- \
        -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -max_len=65536 -print_final_stats=1 -verbosity=0
}

cd "$top"
export RUSTC_BOOTSTRAP=1
if ! cargo fuzz --version 2>/dev/null | grep -q "$fuzz_version"; then
    step "install cargo-fuzz $fuzz_version, once, about a minute" install_fuzz
fi
step "build the fuzz targets, about ten minutes when new" cargo fuzz build --sanitizer none
if [ $# -eq 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
    set -- "${targets[@]}"
fi
for target in "$@"; do
    step "$target" fuzz_one "$target"
done

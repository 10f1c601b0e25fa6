#!/usr/bin/env bash
# The story of one promo code on a running chain, told with the `passport` command: every step is printed with the command
# that does it and with what it shows. Ends with 0 only if every step did what it should. Users ask the node at LEDGER_RPC; the
# clouds, who verify and redeem, ask the one at LEDGER_SECOND_RPC, which is the same unless it is said otherwise.
set -euo pipefail
. "$(dirname "$0")/common.sh"

users=${LEDGER_RPC:-http://127.0.0.1:8545}
clouds=${LEDGER_SECOND_RPC:-$users}
export PASSPORT_RPC=$users
PATH="$(target_dir)/debug:$PATH"
command -v passport >/dev/null || fail "passport is not built; run 'make build'"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PASSPORT_WALLET_DIR=$work/wallets PASSPORT_PASSWORD_FILE=$work/password
(umask 077 && head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$work/password")

number=0
tell() { printf '\n%d. %s\n' "$((number += 1))" "$*"; }

# The command as one would type it.
print_command() {
    local word line=
    for word in "$@"; do
        case $word in
        *' '*) line="$line '$word'" ;;
        *) line="$line $word" ;;
        esac
    done
    printf '   $%s\n' "$line"
}

# Runs the command as it is printed; its output is shown to people.
show() {
    print_command "$@"
    "$@" 2>&1 | sed 's/^/   | /'
}

# Runs a command that has to be refused with the given exit code.
refused() {
    local expected=$1 code=0
    shift
    print_command "$@"
    "$@" >"$work/refusal" 2>&1 || code=$?
    sed 's/^/   | /' "$work/refusal"
    [ "$code" -eq "$expected" ] || fail "that should have ended with code $expected, not with $code"
}

height() { printf '%d\n' "$(passport status --rpc "$1" --json | jq -er .head.number)"; }

# From here on, commands ask the node at this address: as soon as it has what the one that was asked before has.
ask() {
    local height
    [ "$PASSPORT_RPC" != "$1" ] || return 0
    height=$(height "$PASSPORT_RPC")
    for _ in $(seq 100); do
        if [ "$(height "$1")" -ge "$height" ]; then
            export PASSPORT_RPC=$1
            printf '   $ export PASSPORT_RPC=%s\n' "$1"
            return 0
        fi
        sleep 0.2
    done
    fail "the node at $1 does not get block $height, which the one at $PASSPORT_RPC has"
}

expect() { [ "$2" = "$3" ] || fail "$1 should be $3, but is $2"; }

tell "Two clouds offer small instances for promo codes."
ask "$clouds"
show passport offer set small 1000 --dev-account 1
show passport offer set small 1000 --dev-account 3
show passport pool

tell "A user makes a wallet. It holds nothing, and needs nothing."
ask "$users"
show passport wallet new user
user=$(passport wallet show user --json | jq -er .address)

tell "The user asks the ledger for a code. The id of the transaction is the code."
print_command passport request small --wallet user --json
passport request small --wallet user --json >"$work/answer.json" 2>"$work/words" || {
    sed 's/^/   | /' "$work/words"
    fail "the request did not lead to a code"
}
jq '{transaction, passportCode, blockNumber}' "$work/answer.json" | tee "$work/code.json" | sed 's/^/   | /'
code=$(jq -er .transaction "$work/code.json")
show passport code "$code"

tell "A cloud looks the code up at sign-up: it is good, but the user has to allow this cloud to use it."
ask "$clouds"
refused 4 passport verify "$code" --cloud "Aurora Cloud"
expect "the verdict" "$(passport verify "$code" --cloud 1 --json 2>/dev/null | jq -r .verdict)" valid

tell "The user allows Aurora Cloud to redeem it, by a signature that costs nothing. (And tries to use it twice: Borealis too.)"
show passport authorize "$code" --cloud "Aurora Cloud" --reference sign-up-17 --wallet user --out "$work/consent.json"
show passport authorize "$code" --cloud "Borealis Cloud" --reference sign-up-18 --wallet user --out "$work/second.json"
show passport verify "$code" --cloud "Aurora Cloud" --authorization "$work/consent.json"

tell "Aurora Cloud gives the instance and confirms the use."
show passport redeem "$code" --authorization "$work/consent.json" --dev-account 1

tell "The same code at the other cloud, with the user's signature for it: refused."
refused 4 passport verify "$code" --cloud "Borealis Cloud" --authorization "$work/second.json"
refused 4 passport redeem "$code" --authorization "$work/second.json" --dev-account 3
expect "the verdict" "$(passport verify "$code" --cloud 2 --json 2>/dev/null | jq -r .verdict)" redeemed

tell "The user holds the reward."
ask "$users"
show passport balance "$user"
printf '\nThe story of this promo code worked, from request to reward.\n'

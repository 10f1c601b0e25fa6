//! What to do next, after each failure.

use ledger_checkpoint::{lookup::LookupError, proof::ProofError};

use super::{CliError, NoCode};

impl CliError {
    /// What to do next, as a sentence.
    #[must_use]
    pub fn next(&self) -> String {
        let next = match self {
            Self::Unreachable { .. } => {
                "Start a node (`ledger-node --chain dev`), or name another one with --rpc URL or PASSPORT_RPC."
            }
            Self::NotALedger { .. } => "Name a ledger node with --rpc URL or PASSPORT_RPC.",
            Self::NodeRefused { .. } => "Look with `passport status` how the node stands, then try again.",
            Self::Reverted { error, .. } => after_revert(*error),
            Self::Failed { .. } => "Something changed while the transaction waited. Look again with `passport code`.",
            Self::Unsettled { transaction, .. } => {
                return format!(
                    "It may still come. Do not send it again; ask later: passport code {transaction}, or wait longer with \
                     --timeout. Why no block takes it: passport stalled."
                );
            }
            Self::CodeText { .. } => "Give the transaction id (0x and 64 digits) or the passport code (0050-00C9).",
            Self::NoSuchCode {
                why: NoCode::Pending, ..
            } => "Ask again in a few seconds.",
            Self::NoSuchCode { .. } => {
                "Compare the id with the original, and check with `passport status` that this is the right chain."
            }
            Self::CodeEnded { .. } => "It cannot be used any more. A user gets a new one with: passport request SPEC.",
            Self::NotHolder { .. } => "Use the holder's wallet: --wallet NAME (see `passport wallet list`).",
            Self::UnknownCloud { .. } => "See who offers something: passport offer show. Give a name or a member id.",
            Self::UnknownSpec { .. } => "See `passport specs`.",
            Self::NoSuchProposal { .. } => "See `ledger-node validator proposals`.",
            Self::NoMember { .. } => {
                "Give --name, as the working group admitted you, or --member of whoever nominated you."
            }
            Self::Notary { .. } => "Set it right at the notary, or ask its working group; then try again.",
            Self::NeedsNotary => "Use `ledger-node validator`.",
            Self::Address { .. } => "Give 0x and 40 hexadecimal digits, as `passport wallet show` prints them.",
            Self::DeadlineOver { .. } => "Give a later one, such as --deadline 1h.",
            Self::Reference { .. } => "Give the text that the cloud knows your sign-up by, such as the user name.",
            Self::NoWallet { .. } => "Make one: passport wallet new.",
            Self::ManyWallets { .. } => "Name one: --wallet NAME.",
            Self::UnknownWallet { .. } => "See `passport wallet list`, or make it: passport wallet new NAME.",
            Self::WalletExists { .. } => "Choose another name.",
            Self::WalletName { .. } => "Choose such a name.",
            Self::WalletAddress { .. } => {
                "Somebody altered the file. Import its key anew: passport wallet import FILE NAME."
            }
            Self::NoHome => "Name a folder with --wallet-dir or PASSPORT_WALLET_DIR.",
            Self::NotAKey { .. } => "Give a Web3 keystore file, a private key in hexadecimal, or a mnemonic phrase.",
            Self::Key(_) => "Nothing was signed and nothing was sent.",
            Self::Sign { .. } => "Try another wallet: --wallet NAME.",
            Self::AuthorizationFile { .. } | Self::AuthorizationMismatch { .. } => {
                "Ask the holder for one: passport authorize CODE --cloud YOU --reference TEXT."
            }
            Self::FileExists { .. } => "Choose another file: --out FILE.",
            Self::Proof(error) => after_proof(error),
            Self::Lookup(LookupError::None { .. }) => {
                "Check --contract. If it is right, ask for fewer blocks on top of a checkpoint with --confirmations N, or wait for one."
            }
            Self::Lookup(_) => {
                "Name other mainchain nodes with --mainchain URL, or a block that you trust with --trusted-block."
            }
            Self::Unconfirmed { .. } => "Wait, or be content with fewer: --confirmations N.",
            Self::Trust(_) => {
                "Give --mainchain URL with --contract ADDRESS, or --trusted-block HASH; to check a saved proof, --checkpoint HASH with \
                 --genesis HASH will do too. See `passport help verify`."
            }
            Self::Io { .. } => "Check that the file can be read or written.",
        };
        next.to_owned()
    }
}

/// The next step after a proof was not enough.
const fn after_proof(error: &ProofError) -> &'static str {
    match error {
        ProofError::Superseded { .. } | ProofError::Stale { .. } => {
            "Get a new proof: leave out --proof FILE, or make the file anew. If the node has no newer state, ask another with --rpc URL."
        }
        _ if error.is_about_the_code() => "Ask the user for a promo code that is good.",
        _ => "Do not give anything for it. Ask for another proof, or another node with --rpc URL.",
    }
}

/// The next step after the contract said no.
fn after_revert(error: Option<&'static str>) -> &'static str {
    match error {
        Some("PoolExhausted") => "See what is left with `passport pool`, and ask again when a cloud offers more.",
        Some("HolderLiveLimit") => "Use or give back a code first: passport cancel CODE.",
        Some("HolderRateLimit") => "Ask again when the period is over.",
        Some("CodeTimedOut" | "CodeAlreadyRedeemed" | "CodeAlreadyCancelled" | "CodeDeleted" | "CodeNeverIssued") => {
            "See what became of it: passport code CODE."
        }
        Some("NotHolder") => "Use the holder's wallet: --wallet NAME.",
        Some("NotMember") => "Use the wallet of a member cloud's owner or redeemer: --wallet NAME.",
        Some("OfferExhausted" | "OfferIsPaused") => {
            "Offer more (passport offer set SPEC QUANTITY) or go on (passport offer resume SPEC)."
        }
        Some("OfferNeeded" | "OfferUnchanged" | "OfferTooLarge") => "See what is offered: passport offer show.",
        Some("AuthorizationTimedOut" | "AuthorizationInvalid") => {
            "Ask the holder for a new one: passport authorize CODE --cloud YOU --reference TEXT."
        }
        _ => "Nothing was sent. See `passport pool`, `passport code` and `passport status` for how things stand.",
    }
}

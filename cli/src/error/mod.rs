//! What can go wrong, what is said about it, and how does the command end?
//!
//! Every failure has a sentence (`Display`), a next step ([`CliError::next`]), a stable name for scripts
//! ([`CliError::name`]) and an exit code ([`CliError::exit`]).

mod next;

use std::{io, path::PathBuf};

use alloy_primitives::{Address, B256};
use ledger_checkpoint::{lookup::LookupError, proof::ProofError};
use ledger_keys::KeyError;

/// How the command ended, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Refused by the ledger, the node or the contract.
    Refused = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// No node, or none of this ledger, answers.
    Unreachable = 3,
    /// The promo code is not good.
    CodeNotGood = 4,
    /// A wallet, password or authorization file cannot be used.
    Wallet = 5,
    /// The transaction was sent, but no block took it in time.
    Unsettled = 6,
}

/// What an id is that names no promo code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCode {
    /// Nothing of this chain.
    #[error("it is none of this chain")]
    Unknown,
    /// A transaction in the pool.
    #[error("its transaction waits for a block")]
    Pending,
    /// A transaction that failed.
    #[error("its transaction failed, so it issued none")]
    Failed,
    /// A transaction that did something else.
    #[error("its transaction did not ask for one")]
    NotARequest,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Nothing answers at the node's address.
    #[error("no node answers at {url}: {reason}")]
    Unreachable {
        /// Where a node was expected.
        url: String,
        /// What the connection said.
        reason: String,
    },
    /// Something answers, but not as a node of this ledger.
    #[error("{url} answers, but not as a ledger node: {reason}")]
    NotALedger {
        /// Where a node was expected.
        url: String,
        /// What was strange.
        reason: String,
    },
    /// The node refused a request.
    #[error("the node refused {method}: {reason}")]
    NodeRefused {
        /// The JSON-RPC method.
        method: &'static str,
        /// The node's words.
        reason: String,
    },
    /// The contract refuses the transaction; it was not sent.
    #[error("the ledger refuses to {what}: {reason}")]
    Reverted {
        /// What was asked of it.
        what: String,
        /// Why not, as a sentence.
        reason: String,
        /// Name of the contract's error, if it is known.
        error: Option<&'static str>,
    },
    /// The transaction is in a block, and failed.
    #[error("transaction {transaction} is in block {block}, but could not {what}: {reason}")]
    Failed {
        /// The transaction.
        transaction: B256,
        /// Its block.
        block: u64,
        /// What was asked.
        what: String,
        /// Why not, as a sentence.
        reason: String,
    },
    /// No block took the transaction in time.
    #[error("transaction {transaction} was sent, but is in no block after {seconds} s")]
    Unsettled {
        /// The transaction.
        transaction: B256,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A text that is no promo code.
    #[error("{text:?} is no promo code: {reason}")]
    CodeText {
        /// The text.
        text: String,
        /// Why not.
        reason: String,
    },
    /// No promo code has this id.
    #[error("the ledger knows no promo code {id}: {why}")]
    NoSuchCode {
        /// The id asked for.
        id: String,
        /// What the id is instead.
        why: NoCode,
    },
    /// The promo code has ended.
    #[error("promo code {id} {how}")]
    CodeEnded {
        /// The id asked for.
        id: String,
        /// How it ended, as the end of a sentence.
        how: String,
    },
    /// Somebody else holds the promo code.
    #[error("promo code {id} is held by {holder}, and you are {you}")]
    NotHolder {
        /// The id asked for.
        id: String,
        /// Who holds it.
        holder: Address,
        /// Who asked.
        you: Address,
    },
    /// No member cloud has this name or id.
    #[error("there is no member cloud {asked:?}")]
    UnknownCloud {
        /// The name or member id asked for.
        asked: String,
    },
    /// No specification has this name or number.
    #[error("there is no instance specification {asked:?}; there are: {known}")]
    UnknownSpec {
        /// The name or number asked for.
        asked: String,
        /// Names of those that exist.
        known: String,
    },
    /// No open proposal has this number.
    #[error("no proposal {id} is open")]
    NoSuchProposal {
        /// The number asked for.
        id: u64,
    },
    /// There is no member to ask for.
    #[error("{account} owns no member cloud; a new one needs a name")]
    NoMember {
        /// The account that asks.
        account: Address,
    },
    /// The notary does not support it.
    #[error("the notary does not support this: {reason}")]
    Notary {
        /// The rule, what was expected and what came.
        reason: String,
    },
    /// Only the node's own command knows a notary.
    #[error("this needs a notary, which ledger-node knows")]
    NeedsNotary,
    /// A text that is no address.
    #[error("{text:?} is no address: {reason}")]
    Address {
        /// The text.
        text: String,
        /// Why not.
        reason: String,
    },
    /// A deadline that is over.
    #[error("the deadline {deadline} is over")]
    DeadlineOver {
        /// The deadline in the calendar.
        deadline: String,
    },
    /// A sign-up reference that cannot be one.
    #[error("a sign-up reference has 1 to {most} bytes")]
    Reference {
        /// Longest reference, in bytes.
        most: usize,
    },
    /// There is no wallet yet.
    #[error("there is no wallet in {folder}")]
    NoWallet {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// There are several wallets and none was named.
    #[error("there are several wallets: {names}")]
    ManyWallets {
        /// Their names.
        names: String,
    },
    /// There is no wallet of this name.
    #[error("there is no wallet {name:?} in {folder}")]
    UnknownWallet {
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A wallet of this name exists.
    #[error("there is a wallet {name:?} already, and a key is never overwritten")]
    WalletExists {
        /// The name asked for.
        name: String,
    },
    /// A name that no wallet can have.
    #[error("{name:?} is no name for a wallet: use 1 to 64 letters, digits, `-` and `_`")]
    WalletName {
        /// The name asked for.
        name: String,
    },
    /// A wallet file's key is not the one of the address that it states.
    #[error("wallet {name:?} states the address {stated}, but its key is that of {found}")]
    WalletAddress {
        /// The wallet's name.
        name: String,
        /// The address that the file states.
        stated: Address,
        /// The key's address.
        found: Address,
    },
    /// The home folder is not known.
    #[error("your home folder is not known, so there is no place for wallets")]
    NoHome,
    /// What should be imported is no key.
    #[error("{source_name} holds no key that can be imported: {reason}")]
    NotAKey {
        /// The file, or standard input.
        source_name: String,
        /// What is wrong.
        reason: String,
    },
    /// A key file or a password.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The signature could not be made.
    #[error("the wallet could not sign: {reason}")]
    Sign {
        /// What the signer said.
        reason: String,
    },
    /// An authorization that cannot be read.
    #[error("{source_name} is no authorization: {reason}")]
    AuthorizationFile {
        /// The file, or standard input.
        source_name: String,
        /// What is wrong.
        reason: String,
    },
    /// An authorization for something else.
    #[error("the authorization does not fit: {reason}")]
    AuthorizationMismatch {
        /// What differs.
        reason: String,
    },
    /// A proof that is not believed, or proves that the code is not good.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The mainchain does not say what a proof needs.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A checkpoint that a reorganisation of the mainchain may still take back.
    #[error("checkpoint {index} has {got} blocks of the mainchain on top of it, and {wanted} are asked for")]
    Unconfirmed {
        /// Which checkpoint.
        index: u64,
        /// Blocks upon it.
        got: u64,
        /// Blocks asked for.
        wanted: u64,
    },
    /// Nothing that a proof could begin with.
    #[error("{0}")]
    Trust(&'static str),
    /// A file that would be written is there already.
    #[error("{path} exists already, and is not overwritten")]
    FileExists {
        /// The file.
        path: PathBuf,
    },
    /// Something could not be written or read.
    #[error("cannot use {what}: {source}")]
    Io {
        /// What.
        what: String,
        /// What the operating system said.
        source: io::Error,
    },
}

impl CliError {
    /// The exit code.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::NodeRefused { .. }
            | Self::Reverted { .. }
            | Self::Failed { .. }
            | Self::NotHolder { .. }
            | Self::Notary { .. }
            | Self::Unconfirmed { .. }
            | Self::Io { .. } => Exit::Refused,
            Self::Proof(error) if error.is_about_the_code() => Exit::CodeNotGood,
            Self::Lookup(LookupError::Mainchain(_)) => Exit::Unreachable,
            Self::Proof(_) | Self::Lookup(_) => Exit::Refused,
            Self::UnknownCloud { .. }
            | Self::UnknownSpec { .. }
            | Self::NoSuchProposal { .. }
            | Self::NoMember { .. }
            | Self::NeedsNotary
            | Self::Address { .. }
            | Self::CodeText { .. }
            | Self::DeadlineOver { .. }
            | Self::Trust(_)
            | Self::Reference { .. } => Exit::Usage,
            Self::Unreachable { .. } | Self::NotALedger { .. } => Exit::Unreachable,
            Self::NoSuchCode { .. } | Self::CodeEnded { .. } => Exit::CodeNotGood,
            Self::NoWallet { .. }
            | Self::ManyWallets { .. }
            | Self::UnknownWallet { .. }
            | Self::WalletExists { .. }
            | Self::WalletName { .. }
            | Self::WalletAddress { .. }
            | Self::NoHome
            | Self::NotAKey { .. }
            | Self::Key(_)
            | Self::Sign { .. }
            | Self::AuthorizationFile { .. }
            | Self::AuthorizationMismatch { .. }
            | Self::FileExists { .. } => Exit::Wallet,
            Self::Unsettled { .. } => Exit::Unsettled,
        }
    }

    /// The failure's name for scripts; it stays the same from version to version.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::NotALedger { .. } => "notALedger",
            Self::NodeRefused { .. } => "nodeRefused",
            Self::Reverted { .. } => "reverted",
            Self::Failed { .. } => "failed",
            Self::Unsettled { .. } => "unsettled",
            Self::CodeText { .. } => "codeText",
            Self::NoSuchCode { .. } => "noSuchCode",
            Self::CodeEnded { .. } => "codeEnded",
            Self::NotHolder { .. } => "notHolder",
            Self::UnknownCloud { .. } => "unknownCloud",
            Self::NoSuchProposal { .. } => "noSuchProposal",
            Self::NoMember { .. } => "noMember",
            Self::Notary { .. } => "notary",
            Self::NeedsNotary => "needsNotary",
            Self::UnknownSpec { .. } => "unknownSpec",
            Self::Address { .. } => "address",
            Self::DeadlineOver { .. } => "deadlineOver",
            Self::Reference { .. } => "reference",
            Self::NoWallet { .. } => "noWallet",
            Self::ManyWallets { .. } => "manyWallets",
            Self::UnknownWallet { .. } => "unknownWallet",
            Self::WalletExists { .. } => "walletExists",
            Self::WalletName { .. } => "walletName",
            Self::WalletAddress { .. } => "walletAddress",
            Self::NoHome => "noHome",
            Self::NotAKey { .. } => "notAKey",
            Self::Key(_) => "key",
            Self::Sign { .. } => "sign",
            Self::AuthorizationFile { .. } => "authorizationFile",
            Self::AuthorizationMismatch { .. } => "authorizationMismatch",
            Self::FileExists { .. } => "fileExists",
            Self::Proof(error) => error.name(),
            Self::Lookup(_) => "mainchain",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::Trust(_) => "trust",
            Self::Io { .. } => "io",
        }
    }
}

//! What can be asked of `passport`? The command line, as data.
//!
//! Called by `main`. It reads arguments and the environment variables that belong to them, and nothing else; no other file
//! reads the environment.

use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use clap::{Args, Parser, Subcommand};
use ledger_chainspec::Month;

use crate::time::{Deadline, Span};

const AFTER_HELP: &str = "\
A promo code is written as its transaction id (0x and 64 digits), as its passport code (0050-00C9), or as a link that ends in one.

Exit codes:
  0  done; of `verify`: this cloud can redeem the code now, or, with --trustless, the code is proven to be live
  1  refused by the ledger, the node or the contract; a proof that proves nothing
  2  the command line cannot be understood
  3  no node, or none of this ledger, answers
  4  the promo code is not good: never issued, ended, or not redeemable by this cloud
  5  a wallet, password or authorization file cannot be used
  6  the transaction was sent, but no block took it in time";

const REPORT_HELP: &str = "\
A code is issued from the pool that all clouds fill, and belongs to none of them until one redeems it: issued, given back and
expired codes are those of the whole network. A code counts in the month in which it was issued, redeemed or given back, and an
expired one in the month in which its time was over. Of a month that is not over, what expired today counts tomorrow, or once
the contract takes it back.";

/// The command line of `passport`.
#[derive(Debug, Parser)]
#[command(
    name = "passport",
    version,
    about = "Universal promo codes of Cloud Ledger: ask for one, check it, use it",
    after_help = AFTER_HELP
)]
pub struct Cli {
    /// How to reach the chain and how to speak.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Whose key signs.
    #[command(flatten)]
    pub signer: SignerArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How to reach the chain and how to speak.
#[derive(Clone, Debug, Args)]
pub struct CommonArgs {
    /// JSON-RPC address of a node
    #[arg(
        long,
        global = true,
        env = "PASSPORT_RPC",
        value_name = "URL",
        default_value = "http://127.0.0.1:8545"
    )]
    pub rpc: String,
    /// Answer in JSON: one object or list on standard output, a failure as one object on the last line of standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Longest wait for a block to take a transaction, in seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
}

/// Which wallet signs.
#[derive(Clone, Debug, Default, Args)]
pub struct WalletArgs {
    /// Wallet to use; not needed if there is only one, or one named `default`
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "dev_account")]
    pub wallet: Option<String>,
    /// Use account N of the public test mnemonic instead. EVERYBODY has its key: for development chains only
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub dev_account: Option<u32>,
    /// Folder of the wallets [default: .cloud-ledger/wallets in your home folder]
    #[arg(long, global = true, env = "PASSPORT_WALLET_DIR", value_name = "FOLDER")]
    pub wallet_dir: Option<PathBuf>,
}

/// Whose key signs.
#[derive(Clone, Debug, Args)]
pub struct SignerArgs {
    /// Its wallet.
    #[command(flatten)]
    pub wallet: WalletArgs,
    /// File whose first line is the wallet's password (mode 0600); without it you are asked
    #[arg(long, global = true, env = "PASSPORT_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Make, list, show or import wallets
    #[command(subcommand)]
    Wallet(WalletCommand),
    /// Ask the ledger for a promo code
    Request {
        /// Instance specification, by name or number (see `passport specs`)
        spec: String,
    },
    /// Show what is known about a promo code
    Code {
        /// The promo code
        id: String,
    },
    /// Check a promo code for a cloud; exit code 4 unless that cloud could redeem it now. With --trustless: prove that it is good,
    /// believing no node
    Verify(Box<VerifyArgs>),
    /// Save the proof of a promo code, for `passport verify --trustless --proof FILE` on a machine without a node
    Proof(Box<ProofArgs>),
    /// Allow one cloud to redeem your promo code, by a signature that costs nothing and is not on the chain
    Authorize(AuthorizeArgs),
    /// Give a promo code to another account
    Transfer {
        /// The promo code
        id: String,
        /// The new holder's address
        to: String,
    },
    /// Give a promo code back to the pool
    Cancel {
        /// The promo code
        id: String,
    },
    /// Confirm, as a cloud, that you gave the resource: spends the promo code and rewards its holder
    Redeem {
        /// The promo code
        id: String,
        /// The holder's authorization; `-` reads standard input. Not needed where the specification asks for none
        #[arg(long, value_name = "FILE")]
        authorization: Option<PathBuf>,
    },
    /// Set, pause, resume or show what clouds offer
    #[command(subcommand)]
    Offer(OfferCommand),
    /// Show, per specification, how many promo codes can be asked for
    Pool,
    /// Show the instance specifications
    Specs,
    /// Count what became of promo codes in a month, by specification: for a cloud's books, without personal data
    #[command(after_help = REPORT_HELP)]
    Report {
        /// The month, as 2026-11, in UTC
        #[arg(long, value_name = "MONTH")]
        month: Month,
        /// Count the redemptions at this cloud too, by name or member id
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
        /// Answer in comma-separated values, with a line of names first
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
    /// Show an account's passport tokens and coins
    Balance {
        /// The account; yours if not given
        address: Option<String>,
    },
    /// Show how the node and its chain stand
    Status,
    /// Show who runs the chain
    Validators,
    /// Show whom the node is connected to
    Peers,
    /// Show whether blocks come, and if not, what is missing and what to do
    Stalled,
}

/// Who asks about a code, or what is believed beforehand.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// The promo code; with --proof it may be left out: then look in the answer which code was proven
    #[arg(required_unless_present = "proof")]
    pub id: Option<String>,
    /// The cloud that asks, by name or member id
    #[arg(
        long,
        value_name = "CLOUD",
        required_unless_present = "trustless",
        conflicts_with = "trustless"
    )]
    pub cloud: Option<String>,
    /// The holder's authorization, as `passport authorize` wrote it; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "trustless")]
    pub authorization: Option<PathBuf>,
    /// Believe no node: prove from a checkpoint on the mainchain, or from a block that you trust, that the code is live
    #[arg(long)]
    pub trustless: bool,
    /// A saved proof, instead of one from the node; `-` reads standard input
    #[arg(long, value_name = "FILE", requires = "trustless")]
    pub proof: Option<PathBuf>,
    /// How old the proven state may be: 90s, 15m, 2h, 1d. On a quiet chain the newest block is up to an hour old
    #[arg(long, value_name = "SPAN", default_value = "2h", requires = "trustless")]
    pub max_age: Span,
    /// What is believed.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Fingerprints of checkpoints that you trust, to check a saved proof without the mainchain
    #[arg(long, value_name = "HASH,...", value_delimiter = ',', requires_all = ["proof", "genesis"],
          conflicts_with_all = ["mainchain", "trusted_block"])]
    pub checkpoint: Vec<B256>,
}

/// Which code is to be proven, and for whom.
#[derive(Clone, Debug, Args)]
pub struct ProofArgs {
    /// The promo code
    pub id: String,
    /// File to write the proof to, instead of standard output; one that is there is not overwritten
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Prove the state of the checkpoint, not the newest: for the contract on the mainchain, which follows no certificates
    #[arg(long, requires = "mainchain")]
    pub at_checkpoint: bool,
    /// Show the calls of `CodeVerifier` on the mainchain that check the proof, instead of the proof
    #[arg(long, requires = "at_checkpoint", conflicts_with = "out")]
    pub calldata: bool,
    /// What will be believed.
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// What is believed beforehand: the mainchain, or a block.
#[derive(Clone, Debug, Args)]
pub struct TrustArgs {
    /// JSON-RPC addresses of mainchain nodes: one of yours, or three or more of others; what more than half say is believed
    #[arg(long, value_name = "URL,...", value_delimiter = ',', requires = "contract")]
    pub mainchain: Vec<String>,
    /// The checkpoint contract on the mainchain, as the passport programme made it known. Never take it from a node
    #[arg(long, value_name = "ADDRESS", env = "PASSPORT_CHECKPOINT_CONTRACT")]
    pub contract: Option<Address>,
    /// How many blocks of the mainchain have to be on top of the checkpoint's
    #[arg(long, value_name = "N", default_value_t = 120)]
    pub confirmations: u64,
    /// Hash of a block of the ledger that you trust, instead of the mainchain: of a checkpoint, or the genesis block's
    #[arg(long, value_name = "HASH", conflicts_with = "mainchain")]
    pub trusted_block: Option<B256>,
    /// Hash of the ledger's genesis block; needed with --trusted-block if that is another block. The mainchain's contract names its own
    #[arg(long, value_name = "HASH", conflicts_with = "mainchain")]
    pub genesis: Option<B256>,
}

/// What the holder allows.
#[derive(Clone, Debug, Args)]
pub struct AuthorizeArgs {
    /// The promo code
    pub id: String,
    /// The cloud that may redeem it, by name or member id
    #[arg(long, value_name = "CLOUD")]
    pub cloud: String,
    /// What ties it to your sign-up there, such as the user name. Only its salted hash reaches the chain
    #[arg(long, value_name = "TEXT")]
    pub reference: String,
    /// Until when it holds: from now (15m, 2h, 1d), or in seconds since the Unix epoch
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub deadline: Deadline,
    /// File to write it to (mode 0600), instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What to do with wallets.
#[derive(Clone, Debug, Subcommand)]
pub enum WalletCommand {
    /// Make a wallet with a new key, encrypted under a password
    New {
        /// Its name: letters, digits, `-` and `_`
        #[arg(default_value = "default")]
        name: String,
    },
    /// List the wallets
    List,
    /// Show a wallet's address and file
    Show {
        /// Its name
        name: Option<String>,
    },
    /// Take over a key: a Web3 keystore file, a private key in hexadecimal, or a mnemonic phrase
    Import {
        /// The file (mode 0600); `-` asks at the terminal or reads standard input
        file: PathBuf,
        /// Name of the new wallet
        #[arg(default_value = "default")]
        name: String,
        /// Which account of a mnemonic phrase
        #[arg(long, default_value_t = 0)]
        index: u32,
    },
}

/// What to do with offers.
#[derive(Clone, Debug, Subcommand)]
pub enum OfferCommand {
    /// Set how many redemptions of a specification your cloud still takes
    Set {
        /// Instance specification, by name or number
        spec: String,
        /// Redemptions
        quantity: u32,
    },
    /// Stop redemptions at your cloud and take its offer out of new requests, at once
    Pause {
        /// Instance specification, by name or number
        spec: String,
    },
    /// End a pause
    Resume {
        /// Instance specification, by name or number
        spec: String,
    },
    /// Show who offers what
    Show {
        /// Only this cloud, by name or member id
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
    },
}

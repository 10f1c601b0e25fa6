//! What do the validators sign for the mainchain, how do their signatures come together, and who may ask for them?
//!
//! Every block whose number is a multiple of `intervalBlocks`, as the contract Bootstrap has it in that block's state, is a checkpoint
//! once it is final. Its validators sign it with their checkpoint keys, tell each other, and a quorum of signatures makes a bundle that
//! `ledger_checkpoints` gives to whoever brings it to the mainchain. Never talks to the mainchain itself.
//!
//! [`Planner`] decides and is pure: [`facts`] in, effects out. [`record`] is what a validator has signed, on disk before a signature
//! leaves; [`collecting`] the checkpoints that wait for signatures. [`chain`] reads the facts from the node's own final blocks, [`log`]
//! keeps bundles for good, [`own`] holds the key, `worker` carries the effects out, [`task`] says when, and [`book`] is what the rest of
//! the node sees: JSON-RPC, whoever answers peers, and whoever follows the mainchain, which says there how far each checkpoint has come.
//!
//! # The rules
//! - *Which set signs.* The first checkpoint for a contract is signed by the set in force after its own block; every later one by the set
//!   in force after the block of the one before, which that one names. So a set hands over to its successor, and a validator that
//!   leaves runs on until the next checkpoint is signed.
//! - *Where they start and end.* The first one for a contract follows the genesis block. When governance names another contract, a sequence
//!   for that one begins, and nothing more is signed for the former.
//! - *Epoch.* The recovery blocks so far, but one more than the checkpoint before has at most, as the contract asks for.
//! - *Sign once.* At most one checkpoint per contract, epoch and index, in rising order. A key without a record could have signed
//!   anything before: it signs no checkpoint of a block that was made before the record was.
//! - *Whoever began with a state* does not know the checkpoints before. It takes over one that a quorum of the set has signed which its
//!   own state names, of a block that is its own, and goes on from there.

pub mod book;
pub mod chain;
pub mod collecting;
pub mod facts;
pub mod log;
pub mod own;
pub mod planner;
pub mod record;
mod sequence;
pub mod task;
pub mod wire;
mod worker;

pub use book::CheckpointBook;
pub use own::OwnKey;
pub use planner::Planner;
pub use record::SignedRecord;
pub use worker::CheckpointParts;

//! How does Rust talk to the contracts of the sidechain, and to the anchor on the mainchain?
//!
//! Typed calls, structs and events come from the committed artifacts (`artifacts/*.json`, made from `src/*.sol`), so that building needs
//! no Solidity tool. On top of them: the bytes that genesis runs ([`initcode`]), the ids and storage slots of codes ([`code`]), of their
//! specs ([`spec`]) and of reserved accounts ([`reserved`]), the holder's consent ([`redemption`]), reverts in words ([`errors`]), events
//! ([`events`]), and what validators sign for the mainchain ([`checkpoint`]) with the tree of blocks in it ([`history`]). Used by runtime
//! (genesis, indexes), node (RPC), cli and checkpoint. Never does input or output, and never signs.
//!
//! The addresses of the contracts are the chain's business (`ledger_chainspec::predeploys`), not this crate's.

pub mod checkpoint;
pub mod code;
pub mod enums;
pub mod errors;
pub mod events;
pub mod history;
pub mod initcode;
pub mod proposal;
pub mod redemption;
pub mod reserved;
pub mod spec;

pub use code::{CodeId, CodeRecord, CodeState};
pub use enums::{CodeStatus, Offence, ProposalKind, ProposalStatus, UnknownValue, ValidatorStatus};
pub use errors::{KnownError, decode_revert};
pub use events::{KnownEvent, decode_event};
pub use generated::{Bootstrap, CheckpointContract, CodeVerifier, PassportToken, Transact};
pub use proposal::ProposalAction;
pub use redemption::{Redemption, redemption_digest};
pub use spec::SpecRecord;

/// What the macro makes of the artifacts. The documentation is in `src/interfaces/*.sol`.
mod generated {
    #![allow(missing_docs, clippy::too_many_arguments)]

    alloy_sol_types::sol!(
        #[sol(all_derives)]
        Bootstrap,
        "artifacts/Bootstrap.json"
    );
    alloy_sol_types::sol!(
        #[sol(all_derives)]
        Transact,
        "artifacts/Transact.json"
    );
    alloy_sol_types::sol!(
        #[sol(all_derives)]
        PassportToken,
        "artifacts/PassportToken.json"
    );
    alloy_sol_types::sol!(
        #[sol(all_derives)]
        CheckpointContract, // `Checkpoint` is the struct in it
        "artifacts/Checkpoint.json"
    );
    alloy_sol_types::sol!(
        #[sol(all_derives)]
        CodeVerifier,
        "artifacts/CodeVerifier.json"
    );
}

//! What is a chain, as data? Ids, headers and blocks, votes and certificates, validator sets, checkpoints, and the specification
//! that a chain grows from.
//!
//! The lowest layer: every other crate speaks in these types. Nothing here has a clock, a socket, a task or a log; the disk
//! is touched only where a specification is read from a file. Bytes from outside are decoded within named bounds and
//! never panic.
//!
//! Read in this order: [`ids`], [`validators`], [`vote`], [`certificate`], [`endorsement`], [`transaction`], [`block`],
//! [`finality`], [`checkpoint`], [`spec`].

pub mod block;
pub mod calendar;
pub mod certificate;
pub mod checkpoint;
pub mod codec;
pub mod dev_keys;
pub mod endorsement;
pub mod endpoint;
pub mod finality;
pub mod ids;
pub mod passport_code;
pub mod peer_id;
pub mod predeploys;
pub mod spec;
pub mod transaction;
pub mod validators;
pub mod vote;

pub use block::{
    AuthorityDigest, BLOCK_BYTES_MAX, Block, BlockDecodeError, DIGEST_VERSION, DIGEST_VERSION_RECOVERY, DigestError,
    EXTRA_DATA_BYTES_MAX, Header, RecoveryOrder, RecoveryPoint, SealedHeader, block_hash, digest_of, seal_hash,
    with_digest,
};
pub use calendar::{Day, Month, MonthError};
pub use certificate::{CertificateError, FinalityCertificate, PrevoteCertificate, PrevoteSignature};
pub use checkpoint::{CHECKPOINT_BUNDLE_BYTES_MAX, CHECKPOINT_SIGNATURE_BYTES, CheckpointBundle, CheckpointFields};
pub use endorsement::{ENDORSED_TRANSACTIONS_MAX, Endorsement};
pub use endpoint::is_endpoint;
pub use finality::{FinalityFault, Handover};
pub use ids::{
    BlockHash, BlockNumber, ConsensusKey, GenesisHash, MemberId, SetId, Signature64, Slot, UnixMillis, ValidatorSetHash,
};
pub use passport_code::{CodeError, CodeRef, PassportCode};
pub use peer_id::{PeerIdError, peer_id_from_text, peer_id_of, peer_id_to_text};
pub use spec::{
    BlockLimits, ChainSpec, CheckpointParams, ConsensusParams, GenesisBalance, GenesisMember, GenesisValidator,
    GovernanceParams, Hardfork, HolderLimits, InstanceSpec, NOTARY_URLS_MAX, NetworkParams, NotaryParams, Problem,
    SpecError, is_notary_url,
};
pub use transaction::{TRANSACTION_BYTES_MAX, Transaction, TransactionDecodeError, decode_transaction};
pub use validators::{PEER_ID_BYTES_MAX, SetError, VALIDATORS_MAX, Validator, ValidatorSet, quorum_of};
pub use vote::{Statement, StatementKind, Vote, VoteError, verify_strict};

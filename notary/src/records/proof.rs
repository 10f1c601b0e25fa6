//! Does whoever names a key hold it? Proofs of possession: each key signs which network, which member and which other keys it
//! belongs to, and until when.
//!
//! Without them a member could name somebody else's key and so keep its owner out, or have itself judged by another's deeds. The
//! statement is a text, so that a wallet shows what it signs; its first two lines tell what it is for and which of the four keys
//! signs, so that no signature is good for anything else. Ed25519 keys sign the text itself, secp256k1 keys sign it as Ethereum's
//! personal message (EIP-191), which no transaction is.

use std::fmt;

use alloy_primitives::{Address, FixedBytes, Signature, eip191_hash_message};
use ledger_chainspec::{ConsensusKey, PeerIdError, Signature64, peer_id_from_text, verify_strict};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Network, NotaryId};
use crate::tuf::UnixSeconds;

/// First line of every statement.
const DOMAIN: &str = "Cloud Ledger: proof of possession, version 1";

/// Which of a node's four keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyRole {
    /// The ed25519 key of its peer id.
    Peer,
    /// The ed25519 key of the consensus.
    Consensus,
    /// The secp256k1 key of its account.
    Account,
    /// The secp256k1 key that signs checkpoints.
    Checkpoint,
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Peer => "peer",
            Self::Consensus => "consensus",
            Self::Account => "account",
            Self::Checkpoint => "checkpoint",
        })
    }
}

/// Why a key's word is not good.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// Not any more.
    #[error("the proofs of node {peer_id} expired at {expires}, and it is {now}: sign them anew")]
    Expired {
        /// The node.
        peer_id: String,
        /// When they expired.
        expires: UnixSeconds,
        /// The time of the check.
        now: UnixSeconds,
    },
    /// Signed by another key, or something else was signed.
    #[error("node {peer_id}: the {role} key {key} did not sign that it belongs to this member and these keys")]
    NotSigned {
        /// The node.
        peer_id: String,
        /// Which key.
        role: KeyRole,
        /// The key.
        key: String,
    },
    /// There is no key in it.
    #[error(transparent)]
    PeerId(#[from] PeerIdError),
}

/// What the four keys of a node sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// For which chain.
    pub network: Network,
    /// For which member.
    pub member_id: NotaryId,
    /// The node's peer id, in base58.
    pub peer_id: String,
    /// Its key in the consensus.
    pub consensus_key: ConsensusKey,
    /// Its account.
    pub account: Address,
    /// The address that signs checkpoints.
    pub checkpoint_key: Address,
    /// Until when.
    pub expires: UnixSeconds,
}

impl Statement {
    /// The text that a key signs. No field can have a line break in it.
    pub fn text(&self, signer: KeyRole) -> String {
        let Network { network_id, chain_id } = &self.network;
        let lines = [
            DOMAIN.to_owned(),
            format!("signer: {signer} key"),
            format!("network: {network_id}"),
            format!("chain id: {chain_id}"),
            format!("member: {}", self.member_id),
            format!("peer id: {}", self.peer_id),
            format!("consensus key: {}", self.consensus_key),
            format!("account: {}", self.account),
            format!("checkpoint key: {}", self.checkpoint_key),
            format!("expires: {}", self.expires),
        ];
        lines.join("\n")
    }
}

/// The word of each key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proofs {
    /// Until when.
    pub expires: UnixSeconds,
    /// Ed25519.
    pub peer: Signature64,
    /// Ed25519.
    pub consensus: Signature64,
    /// Secp256k1: r, s, and 27 or 28.
    pub account: FixedBytes<65>,
    /// Secp256k1.
    pub checkpoint: FixedBytes<65>,
}

impl Proofs {
    /// Whether each key has signed `statement`, and it holds.
    ///
    /// # Errors
    /// [`ProofError`] for the first that has not.
    pub fn check(&self, statement: &Statement, now: UnixSeconds) -> Result<(), ProofError> {
        let peer_id = &statement.peer_id;
        if statement.expires <= now {
            let (peer_id, expires) = (peer_id.clone(), statement.expires);
            return Err(ProofError::Expired { peer_id, expires, now });
        }
        let peer_key = peer_key(peer_id)?;
        let is_ed25519 = |key: &ConsensusKey, role, signature: &Signature64| {
            verify_strict(key, statement.text(role).as_bytes(), signature)
        };
        let is_secp256k1 =
            |key: &Address, role, signature: &FixedBytes<65>| signer_of(&statement.text(role), signature) == Some(*key);
        let (account, checkpoint) = (&statement.account, &statement.checkpoint_key);
        let words = [
            (
                KeyRole::Peer,
                peer_key.to_string(),
                is_ed25519(&peer_key, KeyRole::Peer, &self.peer),
            ),
            (
                KeyRole::Consensus,
                statement.consensus_key.to_string(),
                is_ed25519(&statement.consensus_key, KeyRole::Consensus, &self.consensus),
            ),
            (
                KeyRole::Account,
                account.to_string(),
                is_secp256k1(account, KeyRole::Account, &self.account),
            ),
            (
                KeyRole::Checkpoint,
                checkpoint.to_string(),
                is_secp256k1(checkpoint, KeyRole::Checkpoint, &self.checkpoint),
            ),
        ];
        match words.into_iter().find(|(_, _, is_signed)| !is_signed) {
            None => Ok(()),
            Some((role, key, _)) => Err(ProofError::NotSigned {
                peer_id: peer_id.clone(),
                role,
                key,
            }),
        }
    }
}

/// The key in a peer id.
pub(super) fn peer_key(peer_id: &str) -> Result<ConsensusKey, PeerIdError> {
    let bytes = peer_id_from_text(peer_id)?;
    let key = bytes.last_chunk().expect("a peer id ends with its 32 bytes of key");
    Ok(ConsensusKey::new(*key))
}

/// Who signed a text as a personal message; in one encoding only, so that nobody can make a second proof of a first.
fn signer_of(text: &str, signature: &FixedBytes<65>) -> Option<Address> {
    if !matches!(signature[64], 27 | 28) {
        return None;
    }
    let signature = Signature::from_raw_array(&signature.0).ok()?;
    if signature.normalize_s().is_some() {
        return None;
    }
    signature.recover_address_from_prehash(&eip191_hash_message(text)).ok()
}

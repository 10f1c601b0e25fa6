//! Errors of the mainchain's contracts in words.

use crate::{CheckpointContract::CheckpointContractErrors as C, CodeId, CodeVerifier::CodeVerifierErrors as V};

/// The sentence of an error of Checkpoint.
pub(super) fn sentence(error: &C) -> String {
    match error {
        C::SetEmpty(_) => "the first set that signs checkpoints has no key".into(),
        C::SetTooLarge(e) => format!("a set has at most {} checkpoint keys, not {}", e.most, e.count),
        C::KeyIsZero(e) => format!("the checkpoint key at position {} is the empty address", e.position),
        C::KeyTwice(e) => format!(
            "{} is in the set twice, at positions {} and {}",
            e.key, e.first, e.second
        ),
        C::GenesisMissing(_) => "the sidechain's genesis hash is missing: it is 0".into(),
        C::IndexOutOfOrder(e) => format!("this is checkpoint {}; the next one is {}", e.index, e.expected),
        C::ParentUnknown(e) => format!(
            "the checkpoint follows {}, and the last one's fingerprint is {}",
            e.parent, e.expected
        ),
        C::EpochOutOfOrder(e) => format!(
            "the checkpoint is of epoch {}; after epoch {} comes the same, or the next for a recovery",
            e.epoch, e.last
        ),
        C::HeightNotAbove(e) => format!(
            "the checkpoint is of height {}, not above {}, the last one's",
            e.height, e.last
        ),
        C::NextSetMissing(e) => format!("checkpoint {} names no set that signs the next one", e.index),
        C::SetUnknown(e) => format!(
            "the set of these keys has the hash {}; the one that signs has {}",
            e.setHash, e.expected
        ),
        C::BitmapBeyondSet(e) => format!(
            "the bitmap {:#x} names more than the {} keys of the set",
            e.bitmap, e.count
        ),
        C::SignaturesLength(e) => format!(
            "there are {} bytes of signatures; the bitmap asks for {}",
            e.length, e.expected
        ),
        C::QuorumMissing(e) => format!("there are {} signatures; the quorum is {}", e.signatures, e.quorum),
        C::SignaturesInvalid(e) => format!(
            "the bitmap {:#x} names the signers; the signatures of {:#x} are valid",
            e.bitmap, e.valid
        ),
        C::RejectionUnsigned(e) => format!(
            "checkpoint {} has the fingerprint {}; nobody of its set signed {}",
            e.index, e.accepted, e.fingerprint
        ),
    }
}

/// The sentence of an error of CodeVerifier.
pub(super) fn verifier_sentence(error: &V) -> String {
    match error {
        V::CheckpointNotAccepted(e) => format!(
            "the checkpoint that was accepted as number {} has the fingerprint {}, not {}",
            e.index, e.accepted, e.fingerprint
        ),
        V::CodeIdInvalid(e) => CodeId::from_word(e.codeId).map_or_else(
            || format!("{:#x} is too large to be the id of a code", e.codeId),
            |id| format!("{id} is the id of no code: spec and sequence start at 1"),
        ),
        V::StateRootMismatch(e) => format!(
            "the account's proof starts at the root {}; the checkpoint's state root is {}",
            e.root, e.expected
        ),
        V::StorageRootMismatch(e) => format!(
            "the code's proof starts at the root {}; the account's storage root is {}",
            e.root, e.expected
        ),
        V::AccountMalformed(e) => format!("the proven account has {} fields instead of {}", e.fields, e.expected),
        V::RecordMalformed(e) => format!(
            "the proven word {:#x} is no record of a code: is this the address of Transact?",
            e.word
        ),
        V::ParentMismatch(e) => format!("the checkpoint follows {}, not {}", e.expected, e.fingerprint),
        V::HeightNotInSpan(e) => format!(
            "the checkpoint anchors the blocks {} to {}, not block {}",
            e.first, e.last, e.height
        ),
        V::HistoryRootMismatch(e) => format!(
            "the path leads to {}; the checkpoint's history root is {}",
            e.root, e.expected
        ),
        V::PathLength(e) => format!(
            "{} hashes are no path from leaf {} of {} to the root",
            e.length, e.index, e.size
        ),
        V::NodeForged(e) => format!(
            "node {} of the proof has the hash {}; its parent names {}",
            e.depth, e.hash, e.expected
        ),
        V::NodeMalformed(e) => format!("node {} of the proof is no node of a trie of hashed keys", e.depth),
        V::ProofTooShort(e) => format!("the proof ends after {} nodes and shows nothing", e.nodes),
        V::ProofTooLong(e) => format!("the proof has {} nodes, and {} say it all", e.nodes, e.needed),
        V::ValuePresent(e) => format!("there is a value at the key {}: it is not absent", e.key),
    }
}

//! How do checkpoints go over the wire and onto the disk? As `ledger_network` writes them.

use alloy_primitives::Bytes;
use ledger_checkpoint::statement::{Anchor, Bundle, Checkpoint, SIGNATURE_BYTES};
use ledger_network::{CheckpointAnchor, CheckpointSignature, CheckpointStatement, SignedCheckpoint};

use super::{collecting::SignatureBytes, record::Signed};

/// The contract, as it goes over the wire.
#[must_use]
pub const fn anchor_to_wire(anchor: &Anchor) -> CheckpointAnchor {
    CheckpointAnchor {
        mainchain_id: anchor.mainchain_id,
        contract: anchor.contract,
    }
}

/// The contract, as it came over the wire.
#[must_use]
pub const fn anchor_of_wire(anchor: &CheckpointAnchor) -> Anchor {
    Anchor {
        mainchain_id: anchor.mainchain_id,
        contract: anchor.contract,
    }
}

/// A signature for everybody.
#[must_use]
pub const fn signature_to_wire(anchor: &Anchor, signed: &Signed, signature: SignatureBytes) -> CheckpointSignature {
    CheckpointSignature {
        anchor: anchor_to_wire(anchor),
        epoch: signed.epoch,
        index: signed.index,
        fingerprint: signed.fingerprint,
        signature,
    }
}

/// A checkpoint with its signatures, as it goes over the wire.
#[must_use]
pub fn bundle_to_wire(bundle: &Bundle) -> SignedCheckpoint {
    let checkpoint = &bundle.checkpoint;
    let signatures = bundle.signatures.chunks_exact(SIGNATURE_BYTES);
    SignedCheckpoint {
        statement: CheckpointStatement {
            index: checkpoint.index,
            epoch: checkpoint.epoch,
            set_id: checkpoint.setId,
            height: checkpoint.height,
            block_hash: checkpoint.blockHash,
            state_root: checkpoint.stateRoot,
            history_root: checkpoint.historyRoot,
            parent: checkpoint.parent,
            next_set_hash: checkpoint.nextSetHash,
        },
        keys: bundle.keys.clone(),
        bitmap: bundle.bitmap,
        signatures: signatures.filter_map(|bytes| bytes.try_into().ok()).collect(),
    }
}

/// A checkpoint with its signatures, as it came over the wire: of the right form, and nothing of it is checked.
#[must_use]
pub fn bundle_of_wire(signed: &SignedCheckpoint) -> Bundle {
    let statement = &signed.statement;
    Bundle {
        checkpoint: Checkpoint {
            index: statement.index,
            epoch: statement.epoch,
            setId: statement.set_id,
            height: statement.height,
            blockHash: statement.block_hash,
            stateRoot: statement.state_root,
            historyRoot: statement.history_root,
            parent: statement.parent,
            nextSetHash: statement.next_set_hash,
        },
        keys: signed.keys.clone(),
        bitmap: signed.bitmap,
        signatures: signed.signatures.concat().into(),
    }
}

/// The signatures of a bundle, each with its own bytes.
pub fn signatures_of(bytes: &Bytes) -> impl Iterator<Item = SignatureBytes> + '_ {
    bytes
        .chunks_exact(SIGNATURE_BYTES)
        .filter_map(|signature| signature.try_into().ok())
}

//! How do signatures under checkpoints go over the wire? As `ledger_network` writes them.

use alloy_primitives::Bytes;
use ledger_checkpoint::statement::{Anchor, SIGNATURE_BYTES};
use ledger_network::{CheckpointAnchor, CheckpointSignature};

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

/// The signatures of a bundle, each with its own bytes.
pub fn signatures_of(bytes: &Bytes) -> impl Iterator<Item = SignatureBytes> + '_ {
    bytes
        .chunks_exact(SIGNATURE_BYTES)
        .filter_map(|signature| signature.try_into().ok())
}

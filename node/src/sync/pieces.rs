//! Are these blocks a piece of a chain, each made final by what the next one carries?
//!
//! Called by the sync with what a peer gave. No signature is looked at here: the driver does.

use std::sync::Arc;

use ledger_chainspec::{Block, FinalityCertificate, digest_of};

use super::plan::Piece;

/// Certified blocks of one piece.
pub(super) type Blocks = Vec<(Arc<Block>, FinalityCertificate)>;

/// The blocks with their certificates, if there are any, they are consecutive, begin where they should, and each is certified
/// by the next.
pub(super) fn certified(piece: Piece, blocks: Vec<Block>, certificate: Option<FinalityCertificate>) -> Option<Blocks> {
    if blocks.is_empty() || u32::try_from(blocks.len()).map_or(true, |count| count > piece.count) {
        return None;
    }
    let inner = blocks
        .iter()
        .skip(1)
        .map(|block| digest_of(&block.header).ok()?.parent_certificate);
    let certificates: Vec<_> = inner.chain(std::iter::once(certificate)).collect();
    let numbered = (piece.from..).zip(blocks.into_iter().zip(certificates));
    numbered
        .map(|(number, (block, certificate))| {
            let certificate = certificate?;
            let fits = block.number().get() == number && certificate.height.get() == number;
            (fits && block.hash() == certificate.hash).then(|| (Arc::new(block), certificate))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ledger_chainspec::{BlockHash, BlockNumber, SetId, Slot};

    use super::*;

    #[test]
    fn a_certificate_without_a_block_is_no_answer() {
        let certificate = FinalityCertificate {
            set_id: SetId::new(0),
            height: BlockNumber::new(1),
            slot: Slot::new(1),
            hash: BlockHash::new([1; 32].into()),
            signatures: Vec::new(),
        };
        let piece = Piece { from: 1, count: 2 };
        assert_eq!(certified(piece, Vec::new(), Some(certificate)), None);
    }
}

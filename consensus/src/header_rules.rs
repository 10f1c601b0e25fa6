//! Is this header one that the authority of its slot may have sealed on the newest final block?
//!
//! Everything of a header that is consensus and needs no execution: digest, slot, authority, seal, the fields that have one
//! value on this chain, and the parent's certificate. Roots, gas used and the next set are found by re-execution, elsewhere.

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use ledger_chainspec::{
    AuthorityDigest, Block, BlockHash, BlockNumber, DigestError, GenesisHash, Header, Slot, StatementKind, UnixMillis,
    Validator, digest_of, seal_hash,
};

use crate::{input::FinalHead, message::Place, rejection::HeaderError, rules::Rules, schedule::Schedule};

/// What a chain's specification says to consensus.
#[derive(Clone, Copy, Debug)]
pub struct ChainParams {
    /// Hash of the genesis block.
    pub genesis: GenesisHash,
    /// The division of time into slots (R1).
    pub schedule: Schedule,
    /// Slots after which the authority builds an empty block (R11).
    pub heartbeat_slots: u64,
    /// Most transactions of a block (R13).
    pub transactions_per_slot: u32,
    /// Gas limit of every block (R13).
    pub gas_limit: u64,
}

/// What a header is checked against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderContext<'a> {
    pub(crate) params: &'a ChainParams,
    pub(crate) head: &'a FinalHead,
    pub(crate) head_slot: Slot,
    pub(crate) rules: Rules,
}

/// A block whose header keeps every rule of this module, seal included. Made by [`HeaderContext::check`] alone.
#[derive(Clone, Debug)]
pub(crate) struct CheckedBlock {
    block: Arc<Block>,
    hash: BlockHash,
    slot: Slot,
}

impl CheckedBlock {
    pub(crate) fn block(&self) -> &Arc<Block> {
        &self.block
    }

    pub(crate) fn hash(&self) -> BlockHash {
        self.hash
    }

    pub(crate) fn slot(&self) -> Slot {
        self.slot
    }
}

/// The slot of a block: the digest's; for the genesis block, which nobody sealed, the slot of its timestamp.
pub(crate) fn slot_of(header: &Header, schedule: &Schedule) -> Result<Slot, DigestError> {
    if header.number == 0 {
        let start = header.timestamp.saturating_mul(1_000);
        return Ok(schedule.slot_at(UnixMillis::new(start)));
    }
    Ok(digest_of(header)?.slot)
}

impl HeaderContext<'_> {
    /// The height that is open, and its set.
    pub(crate) fn place(&self) -> Place {
        self.head.place(self.params.genesis)
    }

    /// Checks a sealed block.
    pub(crate) fn check(&self, block: Arc<Block>) -> Result<CheckedBlock, HeaderError> {
        let digest = self.check_unsealed(&block)?;
        let authority = self.head.set.authority(digest.slot);
        let seal = digest.seal.as_ref().ok_or(HeaderError::NoSeal)?;
        let sealed = seal_hash(&block.header, &digest);
        let statement = self.place().statement(StatementKind::Seal, digest.slot, sealed, None);
        if !self.rules.is_signed(&authority.consensus_key, &statement, seal) {
            return Err(HeaderError::Seal {
                slot: digest.slot,
                authority: authority.consensus_key,
            });
        }
        let hash = block.hash();
        Ok(CheckedBlock {
            block,
            hash,
            slot: digest.slot,
        })
    }

    /// Checks everything but the seal, cheap rules first.
    pub(crate) fn check_unsealed(&self, block: &Block) -> Result<AuthorityDigest, HeaderError> {
        let header = &block.header;
        let parent = self.head.header.hash;
        if header.parent_hash != parent.get() {
            return Err(HeaderError::Parent {
                got: BlockHash::new(header.parent_hash),
                expected: parent,
            });
        }
        let number = open_height(self.head);
        if header.number != number.get() {
            return Err(HeaderError::Number {
                got: header.number,
                expected: number,
            });
        }
        let digest = digest_of(header)?;
        self.check_slot(header, &digest)?;
        self.check_constants(header)?;
        self.check_limits(block)?;
        if self.rules.holds_to_orders() {
            self.check_recovery(block, &digest)?;
        }
        self.check_parent_certificate(&digest, number)?;
        Ok(digest)
    }

    fn check_slot(&self, header: &Header, digest: &AuthorityDigest) -> Result<(), HeaderError> {
        let slot = digest.slot;
        let parent_certificate = digest.parent_certificate.as_ref().map(|certificate| certificate.slot);
        let after = parent_certificate.map_or(self.head_slot, |certified| certified.max(self.head_slot));
        if slot <= after {
            return Err(HeaderError::Slot { got: slot, after });
        }
        let authority: &Validator = self.head.set.authority(slot);
        if header.beneficiary != authority.account {
            let expected = authority.account;
            return Err(HeaderError::WrongAuthority {
                slot,
                got: header.beneficiary,
                expected,
            });
        }
        if self.sealed_parent(authority) {
            return Err(HeaderError::TwiceInARow {
                account: authority.account,
            });
        }
        let expected = self.params.schedule.timestamp_of(slot);
        if header.timestamp != expected {
            return Err(HeaderError::Timestamp {
                slot,
                got: header.timestamp,
                expected,
            });
        }
        Ok(())
    }

    /// Did this validator seal the head, which keeps it from sealing the next block while there are others (R2)?
    pub(crate) fn sealed_parent(&self, authority: &Validator) -> bool {
        self.head.set.len() > 1 && self.head.header.header.beneficiary == authority.account
    }

    fn check_constants(&self, header: &Header) -> Result<(), HeaderError> {
        let number = |value: u64| B256::from(U256::from(value));
        // A header without a base fee is of a fork before ours; it differs from zero in any case.
        let base_fee = header.base_fee_per_gas.map_or(B256::repeat_byte(0xff), number);
        let fields = [
            ("difficulty", B256::from(header.difficulty), B256::ZERO),
            ("nonce", B256::right_padding_from(header.nonce.as_slice()), B256::ZERO),
            ("ommersHash", header.ommers_hash, Header::default().ommers_hash),
            ("baseFeePerGas", base_fee, B256::ZERO),
            ("gasLimit", number(header.gas_limit), number(self.params.gas_limit)),
        ];
        match fields.into_iter().find(|(_, got, expected)| got != expected) {
            Some((field, got, expected)) => Err(HeaderError::Constant { field, got, expected }),
            None => Ok(()),
        }
    }

    fn check_limits(&self, block: &Block) -> Result<(), HeaderError> {
        let limit = self.params.transactions_per_slot;
        let got = block.transactions.len();
        if u32::try_from(got).map_or(true, |count| count > limit) {
            return Err(HeaderError::Transactions { got, limit });
        }
        if block.header.gas_used > self.params.gas_limit {
            return Err(HeaderError::GasUsed {
                got: block.header.gas_used,
                limit: self.params.gas_limit,
            });
        }
        Ok(())
    }

    /// After a block that ordered a recovery comes the recovery block, which holds nothing else, and there is no other one (R16).
    fn check_recovery(&self, block: &Block, digest: &AuthorityDigest) -> Result<(), HeaderError> {
        let ordered = self.head.recovery;
        let got = digest.recovery.map(|point| point.order);
        if got != ordered {
            return Err(HeaderError::Recovery { got, ordered });
        }
        let Some(point) = digest.recovery else { return Ok(()) };
        let (number, height) = (block.number(), point.height);
        if height >= self.head.header.number() {
            return Err(HeaderError::RecoveryHeight { number, height });
        }
        match block.transactions.len() {
            0 => Ok(()),
            got => Err(HeaderError::RecoveryTransactions { got }),
        }
    }

    fn check_parent_certificate(&self, digest: &AuthorityDigest, number: BlockNumber) -> Result<(), HeaderError> {
        let head = self.head;
        let certificate = match (&digest.parent_certificate, &head.certificate) {
            (None, None) => return Ok(()),
            (Some(theirs), Some(ours)) if theirs == ours => return Ok(()),
            (Some(theirs), Some(_)) => theirs,
            (theirs, _) => {
                return Err(HeaderError::CertificatePresence {
                    present: theirs.is_some(),
                    number,
                });
            }
        };
        if certificate.hash != head.header.hash {
            return Err(HeaderError::CertificateBlock {
                got: certificate.hash,
                expected: head.header.hash,
            });
        }
        self.rules
            .verify_finality(certificate, self.params.genesis, &head.signers)
            .map_err(HeaderError::Certificate)
    }
}

/// The number of the block that is decided next.
pub(crate) fn open_height(head: &FinalHead) -> BlockNumber {
    BlockNumber::new(head.header.header.number.saturating_add(1))
}

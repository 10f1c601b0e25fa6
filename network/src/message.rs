//! What do nodes tell each other unasked? Proposals, votes and certificates on one topic, transactions on another, those of the
//! reserved lane on a third, where no flood of the others delays them (R14), and signatures under checkpoints on a fourth.
//!
//! A proposal travels without its transactions, since everybody has most of them already: their hashes stand in their
//! place, and what is missing is asked for ([`Request::Transactions`](crate::Request::Transactions)). Read from bytes of
//! strangers; never judges a message, which is the work of whoever takes it from
//! [`NetworkEvents`](crate::NetworkEvents).

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use ledger_chainspec::{
    EXTRA_DATA_BYTES_MAX, Endorsement, FinalityCertificate, Header, PrevoteCertificate, TRANSACTION_BYTES_MAX,
    VALIDATORS_MAX, Vote,
};
use ledger_consensus::{Reproposal, message::JUSTIFICATION_CERTIFICATES_MAX};
use parity_scale_codec::{Decode, Encode, Error, Input, Output};

use crate::{
    checkpoint::{CHECKPOINT_BYTES_MAX, CheckpointSignature},
    codec::{
        WireError, decode_bytes, decode_hashes, decode_list, decode_optional, decode_strings, encode_bytes,
        encode_hashes, encode_strings, from_payload, to_payload,
    },
};

/// Most transactions of a block: passport codes number no more, so no specification admits more.
pub const BLOCK_TRANSACTIONS_MAX: usize = ledger_chainspec::passport_code::CODE_INDEX_MAX as usize + 1;

/// Longest RLP of a header: its extra data, and what the other fields take at most (a bloom of 256 bytes, nine words of
/// 33, seven integers of 33, framing), rounded up.
pub const HEADER_BYTES_MAX: usize = EXTRA_DATA_BYTES_MAX + 1024;

/// Longest encoded prevote certificate: its fields, a length, and every validator's signature with a valid slot.
const PREVOTE_CERTIFICATE_BYTES_MAX: usize = 8 + 8 + 8 + 32 + 4 + VALIDATORS_MAX * (2 + 9 + 64);

/// Longest message of the consensus topic: a compact proposal of the most transactions, proposed again with the most
/// certificates.
pub const CONSENSUS_BYTES_MAX: usize = 16
    + HEADER_BYTES_MAX
    + 32 * BLOCK_TRANSACTIONS_MAX
    + (8 + 64 + JUSTIFICATION_CERTIFICATES_MAX * PREVOTE_CERTIFICATE_BYTES_MAX);

/// Most transactions of one gossip message: enough that a burst is a few messages, few enough that one bad sender cannot
/// make a peer check thousands before its first score.
pub const GOSSIP_TRANSACTIONS_MAX: usize = 256;

/// Longest message of the topics of transactions: the longest transaction and as much again for others beside it.
pub const TRANSACTIONS_BYTES_MAX: usize = 2 * TRANSACTION_BYTES_MAX;

/// A block that is proposed: its header, and its transactions by hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactProposal {
    /// The sealed header.
    pub header: Header,
    /// Hashes of the block's transactions, in their order; at most [`BLOCK_TRANSACTIONS_MAX`].
    pub transactions: Vec<B256>,
    /// Absent when the block is proposed for the first time.
    pub again: Option<Reproposal>,
}

/// A message of the consensus, as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsensusMessage {
    /// 0: the authority of a slot proposes a block (R2).
    Proposal(Box<CompactProposal>),
    /// 1: a prevote or a precommit (R3, R4).
    Vote(Vote),
    /// 2: prevote certificates of one block, newest first (R3); at most
    /// [`JUSTIFICATION_CERTIFICATES_MAX`].
    Justification(Vec<PrevoteCertificate>),
    /// 3: a block is final (R5).
    Finality(FinalityCertificate),
    /// 4: the authority of a slot promises that transactions go first (R13).
    Endorsement(Endorsement),
}

/// What is told to everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GossipMessage {
    /// On the consensus topic.
    Consensus(ConsensusMessage),
    /// On the transactions topic: EIP-2718 bytes, at most [`GOSSIP_TRANSACTIONS_MAX`] and [`TRANSACTIONS_BYTES_MAX`].
    Transactions(Vec<Bytes>),
    /// On the reserved topic: the same, of validators and member clouds alone.
    Reserved(Vec<Bytes>),
    /// On the checkpoints topic.
    Checkpoint(CheckpointSignature),
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Proposals, votes and certificates.
    Consensus,
    /// Transactions.
    Transactions,
    /// Transactions of the reserved lane.
    Reserved,
    /// Signatures under checkpoints.
    Checkpoints,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Consensus, Self::Transactions, Self::Reserved, Self::Checkpoints];

    /// Its name, in protocol names and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Transactions => "transactions",
            Self::Reserved => "reserved",
            Self::Checkpoints => "checkpoints",
        }
    }

    /// Longest payload.
    #[must_use]
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Consensus => CONSENSUS_BYTES_MAX,
            Self::Transactions | Self::Reserved => TRANSACTIONS_BYTES_MAX,
            Self::Checkpoints => CHECKPOINT_BYTES_MAX,
        }
    }

    /// The name of a payload on this topic: the same bytes are the same message, whoever sends them.
    #[must_use]
    pub fn message_hash(payload: &[u8]) -> B256 {
        keccak256(payload)
    }
}

impl ConsensusMessage {
    /// The payload: version and SCALE bytes.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        to_payload(self)
    }

    /// Reads what [`ConsensusMessage::to_payload`] wrote.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one message of this version within its bounds.
    pub fn from_payload(bytes: &[u8]) -> Result<Self, WireError> {
        from_payload("consensus message", bytes, CONSENSUS_BYTES_MAX)
    }

    /// Its kind, for logs and metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Proposal(_) => "proposal",
            Self::Vote(_) => "vote",
            Self::Justification(_) => "justification",
            Self::Finality(_) => "finality",
            Self::Endorsement(_) => "endorsement",
        }
    }
}

impl GossipMessage {
    /// Where it is told.
    #[must_use]
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Consensus(_) => Topic::Consensus,
            Self::Transactions(_) => Topic::Transactions,
            Self::Reserved(_) => Topic::Reserved,
            Self::Checkpoint(_) => Topic::Checkpoints,
        }
    }

    /// The payload: version and SCALE bytes.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        match self {
            Self::Consensus(message) => message.to_payload(),
            Self::Transactions(transactions) | Self::Reserved(transactions) => {
                to_payload(&TransactionList(transactions.clone()))
            }
            Self::Checkpoint(signature) => to_payload(signature),
        }
    }

    /// Reads a payload that came on `topic`.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one message of this version within its bounds.
    pub fn from_payload(topic: Topic, bytes: &[u8]) -> Result<Self, WireError> {
        match topic {
            Topic::Consensus => ConsensusMessage::from_payload(bytes).map(Self::Consensus),
            Topic::Transactions => transactions(bytes).map(Self::Transactions),
            Topic::Reserved => transactions(bytes).map(Self::Reserved),
            Topic::Checkpoints => {
                from_payload("signature under a checkpoint", bytes, CHECKPOINT_BYTES_MAX).map(Self::Checkpoint)
            }
        }
    }
}

fn transactions(bytes: &[u8]) -> Result<Vec<Bytes>, WireError> {
    from_payload::<TransactionList>("list of transactions", bytes, TRANSACTIONS_BYTES_MAX).map(|list| list.0)
}

/// What lies on the topics of transactions: one to [`GOSSIP_TRANSACTIONS_MAX`] transactions.
struct TransactionList(Vec<Bytes>);

impl Encode for TransactionList {
    fn size_hint(&self) -> usize {
        self.0.iter().map(|transaction| transaction.len() + 4).sum()
    }

    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        encode_strings(&self.0, output);
    }
}

impl Decode for TransactionList {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let list = decode_strings(input, GOSSIP_TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX)?;
        if list.is_empty() {
            return Err("a list of no transactions".into());
        }
        Ok(Self(list))
    }
}

impl Encode for CompactProposal {
    fn size_hint(&self) -> usize {
        HEADER_BYTES_MAX + 32 * self.transactions.len()
    }

    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        encode_bytes(&alloy_rlp::encode(&self.header), output);
        encode_hashes(&self.transactions, output);
        self.again.encode_to(output);
    }
}

impl Decode for CompactProposal {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Ok(Self {
            header: decode_header(input)?,
            transactions: decode_hashes(input, BLOCK_TRANSACTIONS_MAX)?,
            again: decode_optional(input, |input| {
                Ok(Reproposal {
                    slot: Decode::decode(input)?,
                    signature: Decode::decode(input)?,
                    certificates: decode_list(input, JUSTIFICATION_CERTIFICATES_MAX)?,
                })
            })?,
        })
    }
}

fn decode_header<I: Input>(input: &mut I) -> Result<Header, Error> {
    let bytes = decode_bytes(input, HEADER_BYTES_MAX)?;
    let mut rest = &bytes[..];
    let header = Header::decode(&mut rest).map_err(|_| Error::from("bytes are no header"))?;
    if !rest.is_empty() || alloy_rlp::encode(&header) != bytes {
        return Err("a header that is not encoded in the one canonical form".into());
    }
    Ok(header)
}

impl Encode for ConsensusMessage {
    fn size_hint(&self) -> usize {
        match self {
            Self::Proposal(proposal) => 1 + proposal.size_hint(),
            Self::Vote(vote) => 1 + vote.size_hint(),
            Self::Justification(certificates) => 1 + certificates.size_hint(),
            Self::Finality(certificate) => 1 + certificate.size_hint(),
            Self::Endorsement(endorsement) => 1 + endorsement.size_hint(),
        }
    }

    fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
        match self {
            Self::Proposal(proposal) => {
                output.push_byte(0);
                proposal.encode_to(output);
            }
            Self::Vote(vote) => {
                output.push_byte(1);
                vote.encode_to(output);
            }
            Self::Justification(certificates) => {
                output.push_byte(2);
                certificates.encode_to(output);
            }
            Self::Finality(certificate) => {
                output.push_byte(3);
                certificate.encode_to(output);
            }
            Self::Endorsement(endorsement) => {
                output.push_byte(4);
                endorsement.encode_to(output);
            }
        }
    }
}

impl Decode for ConsensusMessage {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        match input.read_byte()? {
            0 => CompactProposal::decode(input).map(Box::new).map(Self::Proposal),
            1 => Vote::decode(input).map(Self::Vote),
            2 => decode_list(input, JUSTIFICATION_CERTIFICATES_MAX).map(Self::Justification),
            3 => FinalityCertificate::decode(input).map(Self::Finality),
            4 => Endorsement::decode(input).map(Self::Endorsement),
            _ => Err("a consensus message of an unknown kind".into()),
        }
    }
}

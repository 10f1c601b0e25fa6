//! Which code did this transaction issue, and is it the one that was asked about?

use alloy_consensus::{EthereumReceipt, ReceiptWithBloom};
use alloy_eips::Decodable2718;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolEvent;
use ledger_api::RequestProof;
use ledger_chainspec::{BlockNumber, CodeError, CodeRef, PassportCode, SealedHeader, predeploys::TRANSACT};
use ledger_contracts::{CodeId, Transact::CodeIssued};

use super::{ProofError, merkle};

/// A code as somebody names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The id of the transaction that issued it.
    Transaction(B256),
    /// The place of that transaction.
    Passport(PassportCode),
    /// The contract's number of it.
    Code(U256),
}

impl std::str::FromStr for Asked {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        if let Ok(id) = text.trim().parse::<CodeId>() {
            return Ok(Self::Code(id.to_word()));
        }
        text.parse().map(|named| match named {
            CodeRef::Transaction(hash) => Self::Transaction(hash),
            CodeRef::Passport(code) => Self::Passport(code),
        })
    }
}

/// A code as it was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The transaction.
    pub transaction: B256,
    /// Its place, as people write it; none if it is beyond all passport codes.
    pub passport_code: Option<PassportCode>,
    /// The contract's number of the code.
    pub code_id: U256,
    /// Who asked for it.
    pub requester: Address,
    /// When it expires, in seconds since the Unix epoch.
    pub expires_at: u64,
}

/// The code that the transaction at this place of the block issued: its first, if it issued several.
pub fn issued(request: &RequestProof, block: &SealedHeader) -> Result<Issued, ProofError> {
    let key = alloy_rlp::encode(request.index);
    let roots = &block.header;
    merkle::check(
        roots.transactions_root,
        &key,
        Some(request.transaction.to_vec()),
        &request.transaction_proof,
    )
    .map_err(ProofError::TransactionProof)?;
    merkle::check(
        roots.receipts_root,
        &key,
        Some(request.receipt.to_vec()),
        &request.receipt_proof,
    )
    .map_err(ProofError::ReceiptProof)?;
    let mut bytes = request.receipt.as_ref();
    let receipt = ReceiptWithBloom::<EthereumReceipt>::decode_2718(&mut bytes).map_err(|_| ProofError::NotAReceipt)?;
    let receipt = receipt.receipt;
    let transaction = keccak256(&request.transaction);
    if !receipt.success {
        return Err(ProofError::RequestFailed(transaction));
    }
    let logs = receipt.logs.iter().filter(|log| log.address == TRANSACT);
    let mut events = logs.filter_map(|log| CodeIssued::decode_log_data_validate(&log.data).ok());
    let event = events.next().ok_or(ProofError::NotARequest(transaction))?;
    let index = u32::try_from(request.index).ok();
    Ok(Issued {
        transaction,
        passport_code: index.and_then(|index| PassportCode::new(BlockNumber::new(roots.number), index)),
        code_id: event.codeId,
        requester: event.holder,
        expires_at: event.expiresAt,
    })
}

impl Issued {
    /// Whether this is what was asked about.
    pub fn check(&self, asked: &Asked) -> Result<(), ProofError> {
        match *asked {
            Asked::Transaction(expected) if expected != self.transaction => Err(ProofError::OtherTransaction {
                got: self.transaction,
                expected,
            }),
            Asked::Passport(expected) if Some(expected) != self.passport_code => Err(ProofError::OtherPlace {
                got: self
                    .passport_code
                    .map_or_else(|| "none".to_owned(), |code| code.to_string()),
                expected: expected.to_string(),
            }),
            Asked::Code(expected) => self.check_code(expected),
            Asked::Transaction(_) | Asked::Passport(_) => Ok(()),
        }
    }

    /// Whether this is the code with this number.
    pub fn check_code(&self, expected: U256) -> Result<(), ProofError> {
        let got = self.code_id;
        match got == expected {
            true => Ok(()),
            false => Err(ProofError::OtherCode { got, expected }),
        }
    }
}

//! What does a holder sign to let a cloud redeem its code?
//!
//! EIP-712, so that every wallet shows it. Used by the CLI, by RPC (to check an authorization before it is sent) and by
//! tests. Never signs.

use alloy_primitives::{Address, B256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain};

alloy_sol_types::sol! {
    /// The holder's consent to one redemption by one member.
    #[derive(Debug, PartialEq, Eq)]
    struct Redemption {
        /// The code.
        uint256 codeId;
        /// The member that may redeem it.
        uint32 memberId;
        /// Salted hash of the sign-up at the cloud.
        bytes32 signupRef;
        /// Seconds; the consent is good up to and including it.
        uint256 deadline;
    }
}

/// Name of the EIP-712 domain.
pub const DOMAIN_NAME: &str = "Cloud Ledger Passport";

/// Version of the EIP-712 domain.
pub const DOMAIN_VERSION: &str = "1";

/// The EIP-712 domain of Transact at `transact` on the chain `chain_id`.
pub fn domain(chain_id: u64, transact: Address) -> Eip712Domain {
    eip712_domain! {
        name: DOMAIN_NAME,
        version: DOMAIN_VERSION,
        chain_id: chain_id,
        verifying_contract: transact,
    }
}

/// The hash that the holder signs.
pub fn redemption_digest(chain_id: u64, transact: Address, redemption: &Redemption) -> B256 {
    redemption.eip712_signing_hash(&domain(chain_id, transact))
}

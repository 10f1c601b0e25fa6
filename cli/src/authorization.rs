//! How does a holder allow one cloud to redeem one promo code?
//!
//! By an EIP-712 signature over the code, the cloud's member id, a sign-up reference and a deadline, as Transact checks it.
//! The reference (a user name, a ticket number) stays off the chain: the chain sees `keccak256(salt ++ reference)` with a
//! random 32-byte salt. Reference and salt travel in the authorization file, which the holder gives to that cloud
//! alone, so that the cloud can tell that the hash is of its own sign-up. Pure: keys and randomness come in as arguments.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use ledger_api::{Authorization, CloudInfo, CodeInfo};
use ledger_chainspec::predeploys::TRANSACT;
use ledger_contracts::{Redemption, redemption_digest};
use serde::{Deserialize, Serialize};

use crate::error::CliError;

/// Longest authorization that is read, in bytes; one with the longest reference has under 4,096.
pub const AUTHORIZATION_BYTES_MAX: u64 = 16 * 1024;

/// Longest sign-up reference, in bytes.
pub const REFERENCE_BYTES_MAX: usize = 1_024;

/// Says what the file is, and in which version.
pub const KIND: &str = "cloud-ledger-authorization/1";

/// What ties a redemption to a sign-up: the chain sees its hash only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signup {
    /// The text that the cloud knows the sign-up by.
    pub reference: String,
    /// Random bytes, so that nobody can guess the text from the hash.
    pub salt: B256,
}

impl Signup {
    /// `keccak256(salt ++ reference)`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256([self.salt.as_slice(), self.reference.as_bytes()].concat())
    }
}

/// An authorization file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedAuthorization {
    /// [`KIND`].
    pub kind: String,
    /// The chain's EIP-155 id.
    #[serde(with = "alloy_serde::quantity")]
    pub chain_id: u64,
    /// The transaction that issued the code.
    pub transaction: B256,
    /// The same in letters and digits.
    pub passport_code: String,
    /// The contract's number of the code.
    pub code_id: U256,
    /// The cloud's member id.
    #[serde(with = "alloy_serde::quantity")]
    pub member_id: u32,
    /// The cloud's name, for people.
    pub cloud: String,
    /// The signer.
    pub holder: Address,
    /// Salted hash of the sign-up reference.
    pub signup_ref: B256,
    /// Until when it holds, in seconds since the Unix epoch.
    #[serde(with = "alloy_serde::quantity")]
    pub deadline: u64,
    /// The holder's signature.
    pub signature: Bytes,
    /// What `signup_ref` is the hash of; absent if the holder told the cloud otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signup: Option<Signup>,
}

/// What a holder is about to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent<'a> {
    /// The chain's EIP-155 id.
    pub chain_id: u64,
    /// The code.
    pub code: &'a CodeInfo,
    /// The cloud that may redeem it.
    pub cloud: &'a CloudInfo,
    /// The sign-up.
    pub signup: Signup,
    /// Until when it holds, in seconds since the Unix epoch.
    pub deadline: u64,
}

impl Consent<'_> {
    /// The digest to sign.
    #[must_use]
    pub fn digest(&self) -> B256 {
        let redemption = Redemption {
            codeId: self.code.code_id,
            memberId: self.cloud.member_id,
            signupRef: self.signup.hash(),
            deadline: U256::from(self.deadline),
        };
        redemption_digest(self.chain_id, TRANSACT, &redemption)
    }

    /// The authorization with the holder's signature over [`Consent::digest`].
    #[must_use]
    pub fn signed(self, signature: Bytes) -> SignedAuthorization {
        SignedAuthorization {
            kind: KIND.to_owned(),
            chain_id: self.chain_id,
            transaction: self.code.transaction,
            passport_code: self.code.passport_code.clone(),
            code_id: self.code.code_id,
            member_id: self.cloud.member_id,
            cloud: self.cloud.name.clone(),
            holder: self.code.holder,
            signup_ref: self.signup.hash(),
            deadline: self.deadline,
            signature,
            signup: Some(self.signup),
        }
    }
}

impl SignedAuthorization {
    /// Reads an authorization that came from `source_name`.
    ///
    /// # Errors
    /// [`CliError::AuthorizationFile`] if it is none, of another version, or its hash is not of its own reference.
    pub fn parse(text: &str, source_name: &str) -> Result<Self, CliError> {
        let wrong = |reason: String| CliError::AuthorizationFile {
            source_name: source_name.to_owned(),
            reason,
        };
        let read: Self = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if read.kind != KIND {
            return Err(wrong(format!(
                "it is of kind {:?}, and {KIND:?} is understood",
                read.kind
            )));
        }
        if read
            .signup
            .as_ref()
            .is_some_and(|signup| signup.hash() != read.signup_ref)
        {
            return Err(wrong("its hash is not of the sign-up reference beside it".to_owned()));
        }
        Ok(read)
    }

    /// Refuses an authorization for another code than `code`, or by somebody who does not hold it now.
    ///
    /// # Errors
    /// [`CliError::AuthorizationMismatch`].
    pub fn check_code(&self, code: &CodeInfo) -> Result<(), CliError> {
        let reason = if self.code_id != code.code_id {
            format!(
                "it is for promo code {}, not {}",
                self.passport_code, code.passport_code
            )
        } else if self.holder != code.holder {
            format!("it is by {}, but {} holds the code now", self.holder, code.holder)
        } else {
            return Ok(());
        };
        Err(CliError::AuthorizationMismatch { reason })
    }

    /// Refuses an authorization for another cloud than the member `member_id`.
    ///
    /// # Errors
    /// [`CliError::AuthorizationMismatch`].
    pub fn check_cloud(&self, member_id: u32) -> Result<(), CliError> {
        if self.member_id == member_id {
            return Ok(());
        }
        Err(CliError::AuthorizationMismatch {
            reason: format!(
                "it is for {} (member {}), not for member {member_id}",
                self.cloud, self.member_id
            ),
        })
    }

    /// Refuses an authorization for another chain than `chain_id`.
    ///
    /// # Errors
    /// [`CliError::AuthorizationMismatch`].
    pub fn check_chain(&self, chain_id: u64) -> Result<(), CliError> {
        if self.chain_id == chain_id {
            return Ok(());
        }
        Err(CliError::AuthorizationMismatch {
            reason: format!("it is for chain {}, and this is chain {chain_id}", self.chain_id),
        })
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let json =
            serde_json::to_string_pretty(self).expect("an authorization has names for keys and no failing parts");
        json + "\n"
    }

    /// As the node's JSON-RPC takes it.
    #[must_use]
    pub fn for_node(&self) -> Authorization {
        Authorization {
            signup_ref: self.signup_ref,
            deadline: self.deadline,
            signature: self.signature.clone(),
        }
    }
}

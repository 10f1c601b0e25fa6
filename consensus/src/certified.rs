//! May this block follow, with this certificate, without anybody's vote being counted here?
//!
//! Asked by a node that catches up: it imports what is certified block by block and tells the engine of the last one
//! ([`Input::Imported`](crate::Input::Imported)). The same header rules and the same certificate check as the engine's own.
//! What execution finds out (roots, limits, the next set) is not looked at.

use std::sync::Arc;

use ledger_chainspec::{Block, FinalityCertificate};

use crate::{
    engine::check_head,
    error::HeadError,
    header_rules::{ChainParams, HeaderContext},
    input::FinalHead,
    rejection::{HeaderError, Rejection},
    rules::Rules,
};

/// Why a certified block does not follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertifiedError {
    /// The head that it should follow cannot be one.
    #[error("the head is none of this chain: {0}")]
    Head(#[from] HeadError),
    /// The block or its certificate breaks a rule.
    #[error(transparent)]
    Rejection(#[from] Rejection),
}

/// Checks that `block` keeps the header rules on `head` (R1, R2, R5, seal included), and that `certificate` makes it final
/// under the set that governs it.
///
/// # Errors
/// [`CertifiedError`] names the rule; whoever sent the pair is to blame for a [`CertifiedError::Rejection`].
pub fn check_certified(
    params: &ChainParams,
    head: &FinalHead,
    block: &Arc<Block>,
    certificate: &FinalityCertificate,
) -> Result<(), CertifiedError> {
    let context = HeaderContext {
        params,
        head,
        head_slot: check_head(head, params)?,
        rules: Rules::default(),
    };
    let checked = context.check(Arc::clone(block)).map_err(Rejection::from)?;
    if checked.hash() != certificate.hash {
        let error = HeaderError::CertificateBlock {
            got: certificate.hash,
            expected: checked.hash(),
        };
        return Err(Rejection::from(error).into());
    }
    certificate.verify(params.genesis, &head.set).map_err(Rejection::from)?;
    Ok(())
}

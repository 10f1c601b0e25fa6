//! What are the protocols called? Every name carries the genesis hash, so that nodes of two chains have nothing to say to
//! each other.

use std::borrow::Cow;

use ledger_chainspec::GenesisHash;
use libp2p::StreamProtocol;

/// The names of one chain's protocols: `/cloud-ledger/<genesis>/<what>/1`.
#[derive(Clone, Debug)]
pub(crate) struct ProtocolNames(String);

impl ProtocolNames {
    pub(crate) fn new(genesis: GenesisHash) -> Self {
        Self(format!("/cloud-ledger/{}", hex::encode(genesis)))
    }

    /// What a node says in its introduction; peers that say something else are let go.
    pub(crate) fn chain(&self) -> String {
        format!("{}/1", self.0)
    }

    /// The protocol `what`.
    pub(crate) fn stream(&self, what: &str) -> StreamProtocol {
        StreamProtocol::try_from_owned(self.name(what)).expect("the name starts with a slash")
    }

    /// Its name as text.
    pub(crate) fn name(&self, what: &str) -> String {
        format!("{}/{what}/1", self.0)
    }

    /// Its name for whoever wants either kind of text.
    pub(crate) fn owned(&self, what: &str) -> Cow<'static, str> {
        Cow::Owned(self.name(what))
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    #[test]
    fn names_carry_the_chain() {
        let names = ProtocolNames::new(GenesisHash::new(B256::repeat_byte(0xab)));
        let chain = format!("/cloud-ledger/{}", "ab".repeat(32));
        assert_eq!(names.chain(), format!("{chain}/1"));
        assert_eq!(names.stream("request").as_ref(), format!("{chain}/request/1"));
    }
}

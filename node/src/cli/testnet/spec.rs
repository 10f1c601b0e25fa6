//! Which chain does a network run that has not the four validators of the built-in one?
//!
//! The built-in `testnet` with other validators: same rules, same clouds with the same public accounts, so that whatever works
//! there works here. Pure; called once, when the network is made.

use alloy_primitives::Address;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use ledger_chainspec::{ChainSpec, ConsensusKey, GenesisMember, GenesisValidator, MemberId, dev_keys::DEV_MNEMONIC};

use super::plan::VALIDATORS_MAX;

/// Accounts of the test mnemonic that the built-in chain uses; further clouds have the ones behind them.
const BUILT_IN_ACCOUNTS: u32 = 14;
/// Accounts that a further cloud has: owner, redeemer, checkpoint key.
const ACCOUNTS_EACH: u32 = 3;

/// A validator's public halves.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Of the key it signs with.
    pub consensus_key: ConsensusKey,
    /// Of the key its peers know it by.
    pub peer_id: String,
}

/// A chain with these validators. Each belongs to a cloud of its own; the four clouds of the built-in chain are there in any
/// case.
#[must_use]
pub fn own_chain(validators: &[Identity]) -> ChainSpec {
    let mut spec = ChainSpec::testnet();
    spec.name = format!("testnet-{}", validators.len());
    spec.network.bootnodes.clear();
    let built_in = std::mem::take(&mut spec.validators);
    for (number, identity) in (1_u32..).zip(validators) {
        let member = MemberId::new(number);
        let like = built_in.iter().find(|validator| validator.member_id == member);
        let (account, checkpoint_key) = match like {
            Some(validator) => (validator.account, validator.checkpoint_key),
            None => further_cloud(&mut spec, number),
        };
        spec.validators.push(GenesisValidator {
            member_id: member,
            account,
            consensus_key: identity.consensus_key,
            checkpoint_key,
            peer_id: identity.peer_id.clone(),
        });
    }
    spec
}

/// Adds the next cloud; gives its owner and its checkpoint key.
fn further_cloud(spec: &mut ChainSpec, number: u32) -> (Address, Address) {
    let further = number.saturating_sub(u32::from(super::plan::VALIDATORS_DEFAULT) + 1);
    let first = BUILT_IN_ACCOUNTS.saturating_add(further.saturating_mul(ACCOUNTS_EACH));
    let owner = dev_account(first);
    spec.members.push(GenesisMember {
        id: MemberId::new(number),
        name: format!("Cloud {number}"),
        owner,
        redeemers: vec![dev_account(first.saturating_add(1))],
    });
    (owner, dev_account(first.saturating_add(2)))
}

/// The public key pair of an account that these chains use.
///
/// # Panics
/// If they use no such account.
#[must_use]
pub fn dev_signer(account: &Address) -> PrivateKeySigner {
    let further = u32::from(VALIDATORS_MAX) * ACCOUNTS_EACH;
    let mut known = (0..BUILT_IN_ACCOUNTS + further).map(dev_signer_at);
    known
        .find(|signer| signer.address() == *account)
        .expect("every account of these chains is one of the test mnemonic")
}

/// Account `index` of the public test mnemonic.
pub fn dev_signer_at(index: u32) -> PrivateKeySigner {
    let builder = MnemonicBuilder::<English>::default().phrase(DEV_MNEMONIC).index(index);
    let signer = builder.and_then(|builder| builder.build());
    signer.expect("the test mnemonic has every account")
}

fn dev_account(index: u32) -> Address {
    dev_signer_at(index).address()
}

#[cfg(test)]
mod tests {
    use ledger_chainspec::{
        dev_keys::{self, DEV_ACCOUNTS},
        peer_id,
    };

    use super::*;

    fn identities(count: u32) -> Vec<Identity> {
        let public = |key: ed25519_dalek::SigningKey| ConsensusKey::of(&key);
        (100..100 + count)
            .map(|k| Identity {
                consensus_key: public(dev_keys::validator_key(k)),
                peer_id: peer_id::peer_id_to_text(&peer_id::peer_id_of(&public(dev_keys::peer_key(k)))),
            })
            .collect()
    }

    #[test]
    fn chains_of_every_size_pass_the_check_and_keep_the_clouds_of_the_testnet() {
        let built_in = ChainSpec::testnet();
        for count in [1, 2, 3, 5, 7, u32::from(VALIDATORS_MAX)] {
            let spec = own_chain(&identities(count));
            spec.check()
                .unwrap_or_else(|error| panic!("{count} validators: {error}"));
            assert_eq!(spec.validators.len(), count as usize);
            assert_eq!(spec.members[..4], built_in.members[..]);
            assert_eq!(spec.members.len(), 4.max(count as usize));
            assert_eq!(spec.rules_hash(), built_in.rules_hash());
        }
    }

    #[test]
    fn accounts_are_those_of_the_mnemonic_and_each_has_its_key() {
        assert_eq!(dev_account(13), DEV_ACCOUNTS[13]);
        let spec = own_chain(&identities(6));
        for validator in &spec.validators {
            assert_eq!(dev_signer(&validator.account).address(), validator.account);
        }
    }
}

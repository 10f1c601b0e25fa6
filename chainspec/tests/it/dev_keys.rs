//! The public keys of the built-in chains: derived anew, and nowhere else than there.

use alloy_signer_local::{MnemonicBuilder, coins_bip39::English};
use ledger_chainspec::{
    ChainSpec, ConsensusKey, MemberId,
    dev_keys::{DEV_ACCOUNTS, DEV_ACCOUNTS_FUNDED, DEV_MNEMONIC, DEV_VALIDATORS, peer_key, validator_key},
    peer_id_of, peer_id_to_text,
};

#[test]
fn accounts_are_those_of_the_mnemonic() {
    for (index, address) in (0_u32..).zip(DEV_ACCOUNTS) {
        let builder = MnemonicBuilder::<English>::default()
            .phrase(DEV_MNEMONIC)
            .index(index)
            .unwrap();
        assert_eq!(builder.build().unwrap().address(), address, "account {index}");
    }
}

#[test]
fn the_dev_chain_is_test_account_zeros() {
    let spec = ChainSpec::dev();
    assert_eq!(spec.validators.len(), 1);
    assert_eq!(spec.validators[0].account, DEV_ACCOUNTS[0]);
    assert_eq!(spec.validators[0].member_id, MemberId::new(1));
    let members: Vec<_> = spec
        .members
        .iter()
        .map(|member| (&member.name[..], member.owner, &member.redeemers[..]))
        .collect();
    assert_eq!(members[0], ("Aurora Cloud", DEV_ACCOUNTS[0], &DEV_ACCOUNTS[1..2]));
    assert_eq!(members[1], ("Borealis Cloud", DEV_ACCOUNTS[2], &DEV_ACCOUNTS[3..4]));
    let funded: Vec<_> = spec.balances.iter().map(|balance| balance.address).collect();
    assert_eq!(funded, DEV_ACCOUNTS[..DEV_ACCOUNTS_FUNDED]);
    assert!(
        spec.balances
            .iter()
            .all(|balance| balance.wei.to_string() == "10000000000000000000000")
    );
}

#[test]
fn built_in_validators_have_the_development_keys() {
    for (spec, validators) in [(ChainSpec::dev(), 1), (ChainSpec::testnet(), DEV_VALIDATORS)] {
        assert_eq!(spec.validators.len(), validators as usize);
        for (k, validator) in (0..).zip(&spec.validators) {
            assert_eq!(
                validator.consensus_key,
                ConsensusKey::of(&validator_key(k)),
                "{} {k}",
                spec.name
            );
            let peer_id = peer_id_to_text(&peer_id_of(&ConsensusKey::of(&peer_key(k))));
            assert_eq!(validator.peer_id, peer_id, "{} {k}", spec.name);
        }
    }
}

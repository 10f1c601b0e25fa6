//! The story of promo codes, as blocks: request without coins, transfer, cancel, confirm, expire.

use alloy_consensus::transaction::Recovered;
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolCall, SolError};
use ledger_chainspec::{
    ChainSpec, Slot, Transaction as Signed,
    predeploys::{BOOTSTRAP, PASSPORT_TOKEN, TRANSACT},
};
use ledger_contracts::{PassportToken, Redemption, Transact, redemption_digest};
use ledger_runtime::{
    BlockRef, CallOutcome, CallOverrides, Lane, Runtime,
    store::{CodeEnd, CodeEndKind, StoredReceipt, TxLocation},
};

use crate::world::{Person, World, chain_id};

/// One PASS.
const REWARD: u128 = 1_000_000_000_000_000_000;
const SMALL: u32 = 1;
const AURORA: u32 = 1;

/// Owner of Aurora Cloud and its hot key; hot key of Borealis Cloud; a user without coins and a friend.
struct Cast {
    world: World,
    aurora: Person,
    aurora_key: Person,
    borealis_key: Person,
    user: Person,
    friend: Person,
}

impl Cast {
    /// The dev chain, on which both clouds offer `quantity` of every spec.
    fn offering(quantity: u32) -> Self {
        let cast = Self {
            world: World::dev(),
            aurora: Person::number(0),
            aurora_key: Person::number(1),
            borealis_key: Person::number(3),
            user: Person::number(50),
            friend: Person::number(51),
        };
        let specs = u32::try_from(ChainSpec::dev().instance_specs.len()).unwrap();
        let offers = (1..=specs).flat_map(|spec| {
            let offer = Transact::setOfferCall { specId: spec, quantity };
            [
                cast.send(&cast.aurora, u64::from(spec) - 1, &offer),
                cast.send(&Person::number(2), u64::from(spec) - 1, &offer),
            ]
        });
        let receipts = cast.world.block(offers.collect());
        assert!(receipts.iter().all(|receipt| receipt.receipt.success));
        cast
    }

    fn send<C: SolCall>(&self, who: &Person, nonce: u64, call: &C) -> Recovered<Signed> {
        who.call(nonce, TRANSACT, call.abi_encode())
    }

    /// The nonce that `who` comes to next.
    fn next(&self, who: &Person) -> u64 {
        let account = self.world.runtime.account(&who.address(), BlockRef::Head).unwrap();
        account.map_or(0, |account| account.nonce)
    }

    fn does<C: SolCall>(&self, who: &Person, call: &C) -> (B256, StoredReceipt) {
        self.world.succeed(self.send(who, self.next(who), call))
    }

    /// Asks for a code: its transaction and its id.
    fn request(&self, who: &Person, spec: u32) -> (B256, U256) {
        let (transaction, receipt) = self.does(who, &Transact::requestCodeCall { specId: spec });
        (transaction, Runtime::issued_code(&receipt).unwrap())
    }

    /// `holder` lets `member` confirm the use of `code` for one hour.
    fn authorization(&self, holder: &Person, code: U256, member: u32) -> Transact::Authorization {
        let deadline = U256::from(self.world.head().header.header.timestamp + 3_600);
        let signup = B256::repeat_byte(0x51);
        let redemption = Redemption {
            codeId: code,
            memberId: member,
            signupRef: signup,
            deadline,
        };
        let hash = redemption_digest(chain_id(), TRANSACT, &redemption);
        let signature = holder.0.sign_hash_sync(&hash).unwrap();
        Transact::Authorization {
            signupRef: signup,
            deadline,
            signature: signature.as_bytes().to_vec().into(),
        }
    }

    /// What `who` would be refused with.
    fn refusal<C: SolCall>(&self, who: &Person, call: &C, time: Option<u64>) -> Vec<u8> {
        let request = TransactionRequest::default()
            .from(who.address())
            .to(TRANSACT)
            .input(call.abi_encode().into());
        let block = time.map(|time| {
            Box::new(BlockOverrides {
                time: Some(time),
                ..BlockOverrides::default()
            })
        });
        let overrides = CallOverrides { state: None, block };
        match self
            .world
            .runtime
            .call(request, BlockRef::Head, overrides)
            .unwrap()
            .outcome
        {
            CallOutcome::Reverted(data) => data.to_vec(),
            other => panic!("not refused: {other:?}"),
        }
    }

    fn reward_of(&self, who: Address) -> U256 {
        let call = PassportToken::balanceOfCall { account: who }.abi_encode();
        let request = TransactionRequest::default().to(PASSPORT_TOKEN).input(call.into());
        match self
            .world
            .runtime
            .call(request, BlockRef::Head, CallOverrides::default())
            .unwrap()
            .outcome
        {
            CallOutcome::Returned(data) => U256::from_be_slice(&data),
            other => panic!("{other:?}"),
        }
    }

    /// How the code ended, and by which transaction.
    fn end_of(&self, code: U256) -> Option<(CodeEndKind, B256)> {
        let CodeEnd { kind, at } = self.world.runtime.promo_code(&code).unwrap().unwrap().end?;
        Some((kind, self.transaction_at(at)))
    }

    fn transaction_at(&self, at: TxLocation) -> B256 {
        let found = self.world.runtime.transaction_at(at).unwrap().unwrap();
        *found.transaction.tx_hash()
    }
}

#[test]
fn a_code_is_requested_without_coins_and_redeemed_once() {
    let cast = Cast::offering(10);
    assert_eq!(
        cast.world
            .runtime
            .account(&cast.user.address(), BlockRef::Head)
            .unwrap(),
        None
    );
    let (issued_by, code) = cast.request(&cast.user, SMALL);
    assert_eq!(code, (U256::from(SMALL) << 64) | U256::from(1));
    let record = cast.world.runtime.promo_code(&code).unwrap().unwrap();
    assert_eq!((cast.transaction_at(record.issued), record.end), (issued_by, None));

    let authorization = cast.authorization(&cast.user, code, AURORA);
    let redeem = Transact::redeemCall {
        codeId: code,
        authorization,
    };
    // Borealis holds an authorization that names Aurora.
    let refused = cast.refusal(&cast.borealis_key, &redeem, None);
    assert!(Transact::AuthorizationInvalid::abi_decode(&refused).is_ok());
    let (redeemed_by, _) = cast.does(&cast.aurora_key, &redeem);
    assert_eq!(cast.reward_of(cast.user.address()), U256::from(REWARD));
    assert_eq!(cast.end_of(code), Some((CodeEndKind::Redeemed, redeemed_by)));
    let end = cast.world.runtime.promo_code(&code).unwrap().unwrap().end;

    // Nobody redeems it again, with whatever authorization.
    let again = Transact::redeemCall {
        codeId: code,
        authorization: cast.authorization(&cast.user, code, 2),
    };
    let refused = Transact::CodeAlreadyRedeemed::abi_decode(&cast.refusal(&cast.borealis_key, &again, None)).unwrap();
    assert_eq!((refused.codeId, refused.memberId), (code, AURORA));
    let receipt = cast
        .world
        .block(vec![cast.send(&cast.borealis_key, 0, &again)])
        .remove(0);
    assert!(!receipt.receipt.success);
    assert_eq!(cast.reward_of(cast.user.address()), U256::from(REWARD));

    // All of it is still so after a restart.
    let world = cast.world.restarted();
    assert_eq!(world.runtime.promo_code(&code).unwrap().unwrap().end, end);
}

#[test]
fn a_transferred_code_is_its_new_holders_alone() {
    let cast = Cast::offering(10);
    let (_, code) = cast.request(&cast.user, SMALL);
    let old = cast.authorization(&cast.user, code, AURORA);
    cast.does(
        &cast.user,
        &Transact::transferCall {
            codeId: code,
            to: cast.friend.address(),
        },
    );
    assert_eq!(cast.end_of(code), None);
    let refused = cast.refusal(
        &cast.aurora_key,
        &Transact::redeemCall {
            codeId: code,
            authorization: old,
        },
        None,
    );
    assert!(Transact::AuthorizationInvalid::abi_decode(&refused).is_ok());
    let refused = cast.refusal(&cast.user, &Transact::cancelCall { codeId: code }, None);
    let refused = Transact::NotHolder::abi_decode(&refused).unwrap();
    assert_eq!(
        (refused.caller, refused.holder),
        (cast.user.address(), cast.friend.address())
    );
    let authorization = cast.authorization(&cast.friend, code, AURORA);
    cast.does(
        &cast.aurora_key,
        &Transact::redeemCall {
            codeId: code,
            authorization,
        },
    );
    assert_eq!(cast.reward_of(cast.friend.address()), U256::from(REWARD));
    assert_eq!(cast.reward_of(cast.user.address()), U256::ZERO);
}

#[test]
fn a_cancelled_code_is_over() {
    let cast = Cast::offering(10);
    let (_, code) = cast.request(&cast.user, SMALL);
    let (cancelled_by, _) = cast.does(&cast.user, &Transact::cancelCall { codeId: code });
    assert_eq!(cast.end_of(code), Some((CodeEndKind::Cancelled, cancelled_by)));
    let authorization = cast.authorization(&cast.user, code, AURORA);
    let refused = cast.refusal(
        &cast.aurora_key,
        &Transact::redeemCall {
            codeId: code,
            authorization,
        },
        None,
    );
    assert!(Transact::CodeAlreadyCancelled::abi_decode(&refused).is_ok());
}

#[test]
fn an_expired_code_is_refused_at_once_and_swept_by_a_later_request() {
    let cast = Cast::offering(10);
    let specs = ChainSpec::dev().instance_specs;
    let flash = specs.iter().position(|spec| spec.ttl_seconds == 60).unwrap();
    let flash = u32::try_from(flash + 1).unwrap();
    let (_, code) = cast.request(&cast.user, flash);
    let head = cast.world.head();
    let redeem = Transact::redeemCall {
        codeId: code,
        authorization: cast.authorization(&cast.user, code, AURORA),
    };
    // On a quiet chain time goes on without blocks: the override is the clock.
    let over = head.header.header.timestamp + 61;
    let refused = cast.refusal(&cast.aurora_key, &redeem, Some(over));
    assert!(Transact::CodeTimedOut::abi_decode(&refused).is_ok());
    assert_eq!(cast.end_of(code), None);
    let later = Slot::new(head.slot.get() + 61);
    let request = cast.send(&cast.friend, 0, &Transact::requestCodeCall { specId: flash });
    let swept_by = *request.tx_hash();
    assert!(cast.world.block_in(later, vec![request]).remove(0).receipt.success);
    assert_eq!(cast.end_of(code), Some((CodeEndKind::Expired, swept_by)));
}

#[test]
fn beyond_the_pool_a_request_says_what_is_left() {
    let cast = Cast::offering(1);
    cast.request(&cast.user, SMALL);
    cast.request(&cast.friend, SMALL);
    let refused = cast.refusal(&Person::number(52), &Transact::requestCodeCall { specId: SMALL }, None);
    let refused = Transact::PoolExhausted::abi_decode(&refused).unwrap();
    assert_eq!(
        (refused.specId, refused.asked, refused.left),
        (SMALL, U256::from(1), U256::ZERO)
    );
}

#[test]
fn bootstrap_learns_the_chains_name_from_its_first_blocks() {
    use ledger_contracts::Bootstrap;
    let cast = Cast::offering(1);
    let ask = Bootstrap::genesisHashCall {}.abi_encode();
    let request = TransactionRequest::default().to(BOOTSTRAP).input(ask.into());
    let result = cast
        .world
        .runtime
        .call(request, BlockRef::Head, CallOverrides::default())
        .unwrap();
    let genesis = cast.world.runtime.genesis_hash().get();
    assert_eq!(result.outcome, CallOutcome::Returned(genesis.to_vec().into()));
}

#[test]
fn members_and_their_hot_keys_are_in_the_reserved_lane_from_the_next_block_on() {
    use ledger_contracts::Bootstrap;
    let cast = Cast::offering(1);
    for person in [&cast.aurora, &cast.aurora_key, &cast.borealis_key] {
        assert_eq!(cast.world.runtime.lane(person.address()).unwrap(), Lane::Reserved);
    }
    assert_eq!(cast.world.runtime.lane(cast.user.address()).unwrap(), Lane::Open);
    let appoint = Bootstrap::setRedeemerCall {
        redeemer: cast.user.address(),
        enabled: true,
    };
    let nonce = cast.next(&cast.aurora);
    cast.world
        .succeed(cast.aurora.call(nonce, BOOTSTRAP, appoint.abi_encode()));
    assert_eq!(cast.world.runtime.lane(cast.user.address()).unwrap(), Lane::Reserved);
}

//! A chain with some of everything: transactions of all types, creations, reverts, every way to be cut off, logs with
//! none to four topics, self-destructions, delegated accounts, promo codes, empty blocks, and a pool that is not empty.

use alloy_consensus::{TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync;
use ledger_contracts::Transact;

use crate::{
    codes,
    world::{Person, World, blank},
};

/// Five logs with none to four topics and a word of data each.
pub const LOGGER: &[u8] = &hex!("60205fa0600160205fa16002600160205fa260036002600160205fa3600460036002600160205fa400");
/// With input: SSTORE(word 1, word 0). Without: returns slot 0.
pub const STORE: &[u8] = &hex!("36600c575f545f5260205ff35b5f356020355500");
/// Reverts with a word of data.
pub const REVERTER: &[u8] = &hex!("60aa5f5260205ffd");
/// Jumps in a circle until its gas is gone.
pub const BURNER: &[u8] = &hex!("5b5f56");
/// The designated invalid opcode.
pub const INVALID: &[u8] = &hex!("fe");
/// Jumps into nowhere.
pub const BAD_JUMP: &[u8] = &hex!("60ff56");
/// Gives all it has to its caller and ends.
pub const MORTAL: &[u8] = &hex!("33ff");
/// Calls the address in its input with 1 wei, a static call and a delegate call after it, and ignores how they end.
pub const CALLER: &[u8] = &hex!("5f5f5f5f60015f355af1505f5f5f5f5f355afa505f5f5f5f5f355af45000");

/// The first word of data of these contracts' creations: PUSH2 length, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN.
pub fn creation_of(code: &[u8]) -> Vec<u8> {
    let length = u16::try_from(code.len()).unwrap().to_be_bytes();
    [&hex!("61")[..], &length, &hex!("80600a5f395ff3"), code].concat()
}

/// The filled chain, and what there is to ask for.
pub struct Filled {
    pub world: World,
    /// All of the chain's transactions, in their order.
    pub transactions: Vec<B256>,
    /// Accounts of all kinds: with code, with coins, with neither, delegated, gone.
    pub accounts: Vec<Address>,
    pub logger: Address,
    pub store: Address,
    pub reverter: Address,
    /// All contracts, in the order of their codes above.
    pub made: Vec<Address>,
    /// The transaction that asked for a promo code, which was redeemed.
    pub code: B256,
    /// In the pool: one that the next block can take, and one that waits for an earlier nonce.
    pub waiting: [B256; 2],
}

const GAS: u64 = 200_000;

fn create(person: &Person, nonce: u64, init: impl Into<Bytes>) -> TxEnvelope {
    person.sign(TxEip1559 {
        to: TxKind::Create,
        input: init.into(),
        gas_limit: 1_000_000,
        ..blank(nonce)
    })
}

fn call(person: &Person, nonce: u64, to: Address, input: impl Into<Bytes>, wei: u64) -> TxEnvelope {
    person.sign(TxEip1559 {
        to: TxKind::Call(to),
        input: input.into(),
        gas_limit: GAS,
        value: U256::from(wei),
        ..blank(nonce)
    })
}

fn legacy(person: &Person, nonce: u64, to: Address, wei: u64) -> TxEnvelope {
    person.sign(TxLegacy {
        chain_id: Some(blank(0).chain_id),
        nonce,
        gas_limit: GAS,
        to: TxKind::Call(to),
        value: U256::from(wei),
        ..TxLegacy::default()
    })
}

fn with_access_list(person: &Person, nonce: u64, to: Address, input: Bytes) -> TxEnvelope {
    let item = AccessListItem {
        address: to,
        storage_keys: vec![B256::ZERO, B256::with_last_byte(7)],
    };
    person.sign(TxEip2930 {
        chain_id: blank(0).chain_id,
        nonce,
        gas_limit: GAS,
        to: TxKind::Call(to),
        access_list: AccessList(vec![item]),
        input,
        ..TxEip2930::default()
    })
}

fn delegating(person: &Person, nonce: u64, authority: &Person, to: Address) -> TxEnvelope {
    let chain_id = blank(0).chain_id;
    let authorization = Authorization {
        chain_id: U256::from(chain_id),
        address: to,
        nonce: 0,
    };
    let signature = authority.0.sign_hash_sync(&authorization.signature_hash()).unwrap();
    person.sign(TxEip7702 {
        chain_id,
        nonce,
        gas_limit: GAS,
        to: authority.address(),
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    })
}

fn word(value: u64) -> Vec<u8> {
    U256::from(value).to_be_bytes::<32>().to_vec()
}

async fn redeemed_code(world: &World) -> B256 {
    world.offer(1, 5).await;
    let holder = Person::number(20);
    let (asked, code) = codes::request(world, &holder).await;
    let (_, authorization) = codes::consent(&holder, code, 1);
    let redeem = Transact::redeemCall {
        codeId: code,
        authorization,
    };
    world.does(&Person::number(1), &redeem).await;
    // A second time is refused, which is a revert with data.
    world.tries(&Person::number(1), &redeem).await;
    asked
}

/// One of everything, from `who`'s nonce `first` on, with the contracts `made` by [`Filled`].
pub fn mixture(who: &Person, first: u64, authority: &Person, made: &[Address]) -> [TxEnvelope; 16] {
    let [logger, store, reverter, burner, invalid, bad_jump, mortal, caller] = *made else {
        panic!("as many as codes")
    };
    [
        legacy(who, first, caller, 100),
        with_access_list(who, first + 1, store, [word(7), word(1)].concat().into()),
        call(who, first + 2, logger, Bytes::new(), 0),
        delegating(who, first + 3, authority, logger),
        call(who, first + 4, reverter, Bytes::new(), 0),
        call(who, first + 5, burner, Bytes::new(), 0),
        call(who, first + 6, invalid, Bytes::new(), 0),
        call(who, first + 7, bad_jump, Bytes::new(), 0),
        call(who, first + 8, mortal, Bytes::new(), 3),
        call(who, first + 9, caller, word(0).to_vec(), 5),
        create(who, first + 10, MORTAL),
        create(who, first + 11, REVERTER),
        create(who, first + 12, Bytes::from_static(&hex!("60ef5f5360015ff3"))),
        call(who, first + 13, caller, logger.into_word().to_vec(), 0),
        call(who, first + 14, caller, reverter.into_word().to_vec(), 0),
        call(
            who,
            first + 15,
            Address::repeat_byte(0x77),
            Bytes::from(vec![1; 100]),
            9,
        ),
    ]
}

impl Filled {
    pub async fn start() -> Self {
        Self::with(World::start().await).await
    }

    pub async fn with(world: World) -> Self {
        let code = redeemed_code(&world).await;
        let (rich, maker) = (Person::number(4), Person::number(5));
        let codes = [LOGGER, STORE, REVERTER, BURNER, INVALID, BAD_JUMP, MORTAL, CALLER];
        let start = world.nonce(&maker);
        for (nonce, code) in (start..).zip(codes) {
            world.send(&create(&maker, nonce, creation_of(code))).await;
        }
        assert_eq!(world.mine(), []);
        let made: Vec<Address> = (start..)
            .take(codes.len())
            .map(|nonce| maker.address().create(nonce))
            .collect();
        let [logger, store, reverter, _, _, _, mortal, _] = made[..] else {
            panic!("as many as codes")
        };
        // An empty block, then one of everything.
        world.mine();
        let authority = Person::number(21);
        let mixed = mixture(&rich, 0, &authority, &made);
        for transaction in &mixed {
            world.send(transaction).await;
        }
        assert_eq!(world.mine(), []);
        // The slot is cleared, for a refund; the delegated account is called; then nothing happens.
        world
            .send(&call(&rich, 16, store, [word(0), word(1)].concat(), 0))
            .await;
        world.send(&call(&rich, 17, authority.address(), Bytes::new(), 0)).await;
        assert_eq!(world.mine(), []);
        world.mine();
        let waiting = [
            world.send(&legacy(&rich, 18, logger, 0)).await,
            world.send(&delegating(&rich, 20, &Person::number(22), store)).await,
        ];
        let head = world.runtime.head().number().get();
        let mut transactions = Vec::new();
        for number in 0..=head {
            let at = ledger_runtime::BlockRef::Number(ledger_chainspec::BlockNumber::new(number));
            let block = world.runtime.block(at).unwrap().unwrap();
            transactions.extend(block.transactions.iter().map(|transaction| *transaction.tx_hash()));
        }
        let accounts = [logger, store, mortal, rich.address(), authority.address()]
            .into_iter()
            .chain([
                rich.address().create(10),
                Address::repeat_byte(0x77),
                Address::repeat_byte(9),
            ])
            .collect();
        Self {
            world,
            transactions,
            accounts,
            logger,
            store,
            reverter,
            made,
            code,
            waiting,
        }
    }

    /// The number of the newest block.
    pub fn head(&self) -> u64 {
        self.world.runtime.head().number().get()
    }
}

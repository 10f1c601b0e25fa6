//! Whom do we measure? A JSON-RPC server with a token that many accounts hold; and the ledger's own node with its codes.

use std::{error::Error, fs, net::SocketAddr, thread};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use ledger_chainspec::ChainSpec;
use ledger_contracts::{PassportToken, initcode};
use ledger_tests::harness::{Account, Call, Node, NodeOptions, Rpc, promo};
use tempfile::TempDir;

use super::load::Route;

/// Accounts that send token transfers, in turn.
const SENDERS: usize = 200;

/// Tokens that each of them starts with.
const TOKENS: u64 = 1_000_000_000;

/// Slot of the measured chain, the shortest that a specification may have.
const SLOT_MS: u64 = 100;

/// Gas of its blocks, about the most that a specification may give: 80 % of it are for everybody (R14), which is room for some 26,000
/// transfers per second.
const GAS_LIMIT: u64 = 167_000_000;

/// A transaction ready to be sent, and its hash.
pub type Signed = (String, B256);

/// A JSON-RPC server under test.
pub struct Target {
    pub name: &'static str,
    pub address: SocketAddr,
    pub token: Address,
    senders: Vec<Account>,
}

impl Target {
    /// Deploys the token and gives every sender its share.
    pub fn prepare(name: &'static str, address: SocketAddr, chain_id: u64) -> Result<Self, Box<dyn Error>> {
        let rpc = Rpc::new(address);
        let minter = account(0, chain_id);
        let senders: Vec<_> = (1..=SENDERS).map(|index| account(index, chain_id)).collect();
        let created = minter.create(&rpc, 0, &initcode::passport_token(minter.address()))?;
        let token: Address = created["contractAddress"]
            .as_str()
            .ok_or("no contract was created")?
            .parse()?;
        let mut last = B256::ZERO;
        for (nonce, sender) in (1..).zip(&senders) {
            let mint = PassportToken::mintCall {
                to: sender.address(),
                amount: U256::from(TOKENS),
            };
            last = minter.hand_in(&rpc, nonce, &call(token, &mint))?;
        }
        let receipt = rpc.await_receipt(last);
        if !promo::succeeded(&receipt) {
            return Err(format!("{name}: the token cannot be minted: {receipt}").into());
        }
        Ok(Self {
            name,
            address,
            token,
            senders,
        })
    }

    /// The first `count` transfers of one token unit: each sender in turn, to ever new recipients.
    pub fn transfers(&self, count: usize) -> Vec<Signed> {
        let transfer = |index: usize| {
            let to = Address::from_word(keccak256(index.to_be_bytes()));
            let transfer = PassportToken::transferCall {
                to,
                value: U256::from(1),
            };
            let nonce = u64::try_from(index / SENDERS).unwrap_or(u64::MAX);
            self.senders[index % SENDERS].signed(nonce, &call(self.token, &transfer))
        };
        side_by_side(count, &transfer)
    }

    /// Transactions are sent to it and looked for on it.
    pub const fn route(&self) -> Route {
        Route {
            name: self.name,
            sent_to: self.address,
            seen_on: self.address,
        }
    }

    /// An account with tokens.
    pub fn holder(&self) -> Address {
        self.senders[0].address()
    }

    pub fn balance_of(&self, account: Address) -> Bytes {
        PassportToken::balanceOfCall { account }.abi_encode().into()
    }
}

/// A node of this build.
pub struct Ours {
    pub target: Target,
    node: Node,
    _spec: TempDir,
}

impl Ours {
    /// Starts it on a new chain.
    pub fn start() -> Result<Self, Box<dyn Error>> {
        let spec = bench_spec();
        let folder = TempDir::with_prefix("ledger-bench-")?;
        let path = folder.path().join("bench.toml");
        fs::write(&path, spec.to_toml())?;
        let node = Node::start_with(NodeOptions {
            chain: path.display().to_string(),
            ..NodeOptions::default()
        });
        let target = Target::prepare("ledger-node", node.address(), node.chain_id())?;
        Ok(Self {
            target,
            node,
            _spec: folder,
        })
    }

    /// One request each of as many accounts that nobody knows.
    pub fn code_requests(&self, count: usize) -> Result<Vec<Signed>, Box<dyn Error>> {
        let cloud = self.node.dev_account(0);
        let offer = promo::set_offer(promo::SMALL, u32::try_from(count + 1)?);
        let receipt = cloud.send(self.node.rpc(), &offer)?;
        if !promo::succeeded(&receipt) {
            return Err(format!("the offer was refused: {receipt}").into());
        }
        let chain_id = self.node.chain_id();
        let call = promo::request_code(promo::SMALL);
        Ok(side_by_side(count, &|_| Account::random(chain_id).signed(0, &call)))
    }

    pub fn pid(&self) -> u32 {
        self.node.pid()
    }
}

/// The dev chain with blocks as large as the fork allows.
pub fn bench_spec() -> ChainSpec {
    let mut spec = ChainSpec::dev();
    spec.consensus.slot_duration_ms = SLOT_MS;
    spec.limits.gas_limit = GAS_LIMIT;
    spec.limits.transactions_per_slot = 7_000;
    spec.limits.transactions_per_sender_per_slot = 7_000;
    spec
}

/// The account of a small number.
fn account(index: usize, chain_id: u64) -> Account {
    Account::from_key(keccak256(index.to_be_bytes()), chain_id)
}

fn call(to: Address, data: &impl SolCall) -> Call {
    Call {
        to,
        data: data.abi_encode().into(),
    }
}

/// `make` of 0 to `count`, on every core.
pub fn side_by_side<T: Send>(count: usize, make: &(impl Fn(usize) -> T + Sync)) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = count.div_ceil(cores).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = (0..count)
            .step_by(share)
            .map(|from| scope.spawn(move || (from..count.min(from + share)).map(make).collect::<Vec<_>>()))
            .collect();
        let made = parts
            .into_iter()
            .map(|part| part.join().expect("signing does not fail"));
        made.flatten().collect()
    })
}

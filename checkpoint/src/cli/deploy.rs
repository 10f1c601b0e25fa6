//! `ledger-relayer deploy`: the contract onto the mainchain, once, whatever happens meanwhile.
//!
//! The transaction is on disk before it leaves. Whoever was killed, or gave up waiting, says the same command again and goes on with
//! that transaction.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer_local::PrivateKeySigner;
use eyre::{ContextCompat, bail, ensure};
use ledger_checkpoint::{
    connection::genesis_in,
    deployment::{self, Creation, Deployment, DeploymentFolder, Purpose, TRANSACTIONS_MAX},
    mainchain::{Mainchain, MainchainError, Nodes},
    numbers::{BlockNumber, Nonce},
    plan::{Policy, Receipt, SendFault, policy},
    signing::{self, Order},
    statement::{KEYS_MAX, set_hash},
};
use ledger_contracts::{CheckpointContract::constructorCall, initcode};
use serde_json::json;

use super::{
    args::DeployArgs,
    output::{Answer, Exit},
    unlock,
};

/// Time from one look for the receipt to the next.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks after which the transaction is sent once more: nodes forget.
const LOOKS_PER_SENDING: u64 = 15;

/// A deployment that is under way.
struct Deploying<'a> {
    args: &'a DeployArgs,
    signer: PrivateKeySigner,
    nodes: Nodes,
    purpose: Purpose,
}

/// How the transactions of a record stand.
enum Standing {
    /// One made the contract.
    Made { hash: B256, block: BlockNumber },
    /// None was mined, and one can still be.
    Open,
}

/// Deploys, or goes on with what was begun, and waits for a block that has it.
pub async fn deploy(args: &DeployArgs) -> eyre::Result<Answer> {
    let keys = &args.checkpoint_key;
    ensure!(
        keys.len() <= KEYS_MAX,
        "a set has at most {KEYS_MAX} keys, and these are {}",
        keys.len()
    );
    let signer = unlock(&args.key)?;
    // The address is not known yet, and none of these questions is about the contract.
    let nodes = Nodes::new(&args.mainchain.urls, signer.address())?;
    let purpose = Purpose {
        chain_id: nodes.chain_id().await?,
        account: signer.address(),
        genesis: args.genesis,
        set_hash: set_hash(args.set_id, keys),
    };
    let deploying = Deploying {
        args,
        signer,
        nodes,
        purpose,
    };
    if args.dry_run {
        return deploying.dry().await;
    }
    let folder = DeploymentFolder::open(&args.journal)?;
    let begun = folder.read(&deploying.purpose)?;
    let record = match begun {
        Some(record) => deploying.go_on(&folder, record).await?,
        None => deploying.begin(&folder).await?,
    };
    let (hash, block) = deploying.wait(&record).await?;
    deploying.check(record.contract()).await?;
    Ok(deploying.answer(record.contract(), hash, block))
}

impl Deploying<'_> {
    async fn dry(&self) -> eyre::Result<Answer> {
        let Purpose {
            chain_id,
            account,
            set_hash,
            ..
        } = self.purpose;
        let begun = deployment::look(&self.args.journal, &self.purpose)?;
        let (contract, cost) = match &begun {
            Some(record) => (record.contract(), U256::ZERO),
            None => {
                let order = self.order().await?;
                let cost = U256::from(order.gas_limit) * U256::from(order.gas_price_wei);
                (account.create(order.nonce.get()), cost)
            }
        };
        let words = match begun {
            Some(_) => "Would go on with the deployment that was begun".to_owned(),
            None => format!("Would deploy, for up to {cost} wei"),
        };
        Ok(Answer {
            text: format!(
                "{words}: to {contract} on chain {chain_id}, from {account}.\nThe first set has the hash {set_hash}.\n"
            ),
            json: json!({
                "contract": contract,
                "chainId": chain_id,
                "account": account,
                "costWei": cost.to_string(),
                "setHash": set_hash,
                "begun": begun.is_some(),
                "sent": false,
            }),
            exit: Exit::Fine,
        })
    }

    /// Signs the first transaction, keeps it, sends it.
    async fn begin(&self, folder: &DeploymentFolder) -> eyre::Result<Deployment> {
        let order = self.order().await?;
        let nonce = order.nonce;
        let creation = self.sign(order)?;
        let record = Deployment::new(self.purpose, nonce, creation.clone());
        // On disk before it leaves: a transaction that nobody remembers would be made a second time.
        folder.keep(&record)?;
        self.nodes.send(&creation.raw).await?;
        self.tell(&record, "Sent");
        Ok(record)
    }

    /// Sends what was signed before, at a higher price if the mainchain asks for one.
    async fn go_on(&self, folder: &DeploymentFolder, mut record: Deployment) -> eyre::Result<Deployment> {
        if let Standing::Made { .. } = self.stand(&record).await? {
            return Ok(record);
        }
        let dearest = record.dearest().wrap_err("a record has a transaction")?;
        let paid_wei = u128::try_from(dearest.gas_price_wei).unwrap_or(u128::MAX);
        let raw = dearest.raw.clone();
        let market_wei = self.nodes.gas_price_wei().await?;
        let policy = Policy {
            gas_price_max_wei: policy::wei_of_gwei(self.args.key.gas_price_max),
            ..Policy::default()
        };
        let raised = policy
            .raised_price(paid_wei, market_wei)
            .filter(|_| market_wei > paid_wei && record.transactions.len() < TRANSACTIONS_MAX);
        match raised {
            Some(gas_price_wei) => {
                let order = Order {
                    nonce: record.nonce(),
                    gas_price_wei,
                    ..self.order().await?
                };
                let creation = self.sign(order)?;
                record.transactions.push(creation.clone());
                folder.keep(&record)?;
                self.nodes.send(&creation.raw).await?;
            }
            None => self.send_again(&raw).await?,
        }
        self.tell(&record, "Goes on with");
        Ok(record)
    }

    fn tell(&self, record: &Deployment, words: &str) {
        let (hash, contract) = (record.dearest().map(|creation| creation.hash), record.contract());
        eprintln!(
            "{words} {}; the contract will be at {contract}. Waiting for a block that has it.",
            hash.unwrap_or_default()
        );
    }

    /// Sends a transaction that may be mined meanwhile.
    async fn send_again(&self, raw: &Bytes) -> Result<(), SendFault> {
        match self.nodes.send(raw).await {
            // A block has it, or another of the record: the next look says which.
            Ok(()) | Err(SendFault::NonceUsed | SendFault::Underpriced) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    fn sign(&self, order: Order) -> eyre::Result<Creation> {
        let gas_price_wei = U256::from(order.gas_price_wei);
        let (hash, raw) = signing::sign(&self.signer, order)?;
        Ok(Creation {
            hash,
            gas_price_wei,
            raw,
        })
    }

    /// The transaction that makes the contract, if the account can pay for it.
    async fn order(&self) -> eyre::Result<Order> {
        let account = self.purpose.account;
        let purse = self.nodes.purse(account).await?;
        let code = initcode::checkpoint(&constructorCall {
            sidechainGenesis: self.args.genesis,
            setId: self.args.set_id,
            checkpointKeys: self.args.checkpoint_key.clone(),
        });
        let gas = self.nodes.creation_gas(account, &code).await?;
        let gas_limit = gas.saturating_add(gas / 4);
        let gas_price_wei = self.nodes.gas_price_wei().await?.max(policy::GAS_PRICE_MIN_WEI);
        ensure!(
            gas_price_wei <= policy::wei_of_gwei(self.args.key.gas_price_max),
            "the mainchain asks for {gas_price_wei} wei per gas, more than --gas-price-max"
        );
        let cost_wei = U256::from(gas_limit) * U256::from(gas_price_wei);
        ensure!(
            purse.balance_wei >= cost_wei,
            "{account} has {} wei, and this costs up to {cost_wei}: send it some",
            purse.balance_wei
        );
        Ok(Order {
            chain_id: self.purpose.chain_id,
            nonce: purse.nonce,
            gas_price_wei,
            gas_limit,
            to: TxKind::Create,
            data: code,
        })
    }

    async fn wait(&self, record: &Deployment) -> eyre::Result<(B256, BlockNumber)> {
        let waited = tokio::time::timeout(Duration::from_secs(self.args.timeout), async {
            let mut looks = 0_u64;
            loop {
                match self.stand(record).await {
                    Ok(Standing::Made { hash, block }) => return Ok((hash, block)),
                    Ok(Standing::Open) => {}
                    // A node that does not answer now may do so at the next look.
                    Err(report) if report.is::<MainchainError>() => {}
                    Err(report) => return Err(report),
                }
                looks += 1;
                if let Some(creation) = record.dearest().filter(|_| looks.is_multiple_of(LOOKS_PER_SENDING)) {
                    // Whoever does not take it now may do so later, until the wait is over.
                    let _ = self.nodes.send(&creation.raw).await;
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        match waited.await {
            Ok(found) => found,
            Err(_) => bail!(
                "no block had the contract within {} seconds. It may still come: the same command goes on waiting, and makes no second one",
                self.args.timeout
            ),
        }
    }

    async fn stand(&self, record: &Deployment) -> eyre::Result<Standing> {
        let nonce = self.nodes.purse(self.purpose.account).await?.nonce;
        for creation in &record.transactions {
            let Some(receipt) = self.nodes.receipt(creation.hash).await? else {
                continue;
            };
            let Receipt { block, succeeded, .. } = receipt;
            ensure!(
                succeeded,
                "the transaction {} was mined and reverted: look at it with an explorer",
                creation.hash
            );
            let (hash, block) = (creation.hash, block.number);
            return Ok(Standing::Made { hash, block });
        }
        ensure_unused(record.nonce(), nonce, self.purpose.account)?;
        Ok(Standing::Open)
    }

    /// Whether the contract that is there is the one that was asked for.
    async fn check(&self, contract: Address) -> eyre::Result<()> {
        let deployed = Nodes::new(&self.args.mainchain.urls, contract)?;
        let anchors = genesis_in(&deployed, &deployed.sight(self.purpose.account).await?).await?;
        ensure!(
            anchors == self.purpose.genesis,
            "the contract at {contract} says that it anchors {anchors}"
        );
        Ok(())
    }

    fn answer(&self, contract: Address, hash: B256, block: BlockNumber) -> Answer {
        let Purpose {
            chain_id,
            account,
            set_hash,
            ..
        } = self.purpose;
        Answer {
            text: format!(
                "The contract is at {contract} on chain {chain_id}, in block {block}.\nThe first set has the hash {set_hash}.\nWait for \
                 enough blocks upon it before anybody relies on it, and put it into the sidechain's configuration.\n"
            ),
            json: json!({
                "contract": contract,
                "chainId": chain_id,
                "account": account,
                "transaction": hash,
                "block": block.get(),
                "setHash": set_hash,
                "sent": true,
            }),
            exit: Exit::Fine,
        }
    }
}

/// None of a record's transactions was mined: another must not have taken their number.
fn ensure_unused(of_record: Nonce, next: Nonce, account: Address) -> eyre::Result<()> {
    ensure!(
        next <= of_record,
        "another transaction of {account} was mined with the number {of_record}: this deployment can never come. Use the account for \
         nothing else meanwhile; name another folder with --journal to deploy anew"
    );
    Ok(())
}

//! `ledger-relayer deploy`: the contract onto the mainchain, once.

use std::time::Duration;

use alloy_primitives::{Address, B256, TxKind, U256};
use eyre::{bail, ensure};
use ledger_checkpoint::{
    mainchain::{Mainchain, Nodes},
    plan::{Receipt, policy::GAS_PRICE_MIN_WEI},
    signing::{self, Order},
    statement::{KEYS_MAX, set_hash},
};
use ledger_contracts::{CheckpointContract::constructorCall, initcode};
use serde_json::json;

use super::{
    GWEI,
    args::DeployArgs,
    genesis_in,
    output::{Answer, Exit},
    unlock,
};

/// Time from one look for the receipt to the next.
const PAUSE: Duration = Duration::from_secs(2);

/// Deploys, and waits for a block that has it.
pub async fn deploy(args: &DeployArgs) -> eyre::Result<Answer> {
    let signer = unlock(&args.key)?;
    let account = signer.address();
    // The address is not known yet, and none of these questions is about the contract.
    let nodes = Nodes::new(&args.mainchain.urls, account)?;
    let order = prepare(args, &nodes, account).await?;
    let chain_id = order.chain_id;
    let contract = account.create(order.nonce.get());
    let set = set_hash(args.set_id, &args.checkpoint_key);
    if args.dry_run {
        let cost = (U256::from(order.gas_limit) * U256::from(order.gas_price_wei)).to_string();
        return Ok(Answer {
            text: format!(
                "Would deploy to {contract} on chain {chain_id}, for up to {cost} wei, from {account}.\nThe first set has the hash {set}.\n"
            ),
            json: json!({ "contract": contract, "chainId": chain_id, "account": account, "costWei": cost, "setHash": set, "sent": false }),
            exit: Exit::Fine,
        });
    }
    let (hash, raw) = signing::sign(&signer, order)?;
    nodes.send(&raw).await?;
    eprintln!("Sent {hash}; the contract will be at {contract}. Waiting for a block that has it.");
    let receipt = wait(&nodes, hash, Duration::from_secs(args.timeout)).await?;
    ensure!(
        receipt.succeeded,
        "the transaction {hash} was mined and reverted: look at it with an explorer"
    );
    let deployed = Nodes::new(&args.mainchain.urls, contract)?;
    let anchors = genesis_in(&deployed, &deployed.sight(account).await?).await?;
    ensure!(
        anchors == args.genesis,
        "the contract at {contract} says that it anchors {anchors}"
    );
    let block = receipt.block.number.get();
    Ok(Answer {
        text: format!(
            "The contract is at {contract} on chain {chain_id}, in block {block}.\nThe first set has the hash {set}.\nWait for enough blocks upon it before anybody relies on it, and put it into the sidechain's configuration.\n"
        ),
        json: json!({ "contract": contract, "chainId": chain_id, "account": account, "transaction": hash, "block": block, "setHash": set, "sent": true }),
        exit: Exit::Fine,
    })
}

/// The transaction that makes the contract, if the account can pay for it.
async fn prepare(args: &DeployArgs, nodes: &Nodes, account: Address) -> eyre::Result<Order> {
    let keys = &args.checkpoint_key;
    ensure!(
        keys.len() <= KEYS_MAX,
        "a set has at most {KEYS_MAX} keys, and these are {}",
        keys.len()
    );
    let purse = nodes.purse(account).await?;
    let code = initcode::checkpoint(&constructorCall {
        sidechainGenesis: args.genesis,
        setId: args.set_id,
        checkpointKeys: keys.clone(),
    });
    let gas = nodes.creation_gas(account, &code).await?;
    let gas_limit = gas.saturating_add(gas / 4);
    let gas_price_wei = nodes.gas_price_wei().await?.max(GAS_PRICE_MIN_WEI);
    ensure!(
        gas_price_wei <= u128::from(args.key.gas_price_max) * GWEI,
        "the mainchain asks for {gas_price_wei} wei per gas, more than --gas-price-max"
    );
    let cost_wei = U256::from(gas_limit) * U256::from(gas_price_wei);
    ensure!(
        purse.balance_wei >= cost_wei,
        "{account} has {} wei, and this costs up to {cost_wei}: send it some",
        purse.balance_wei
    );
    Ok(Order {
        chain_id: nodes.chain_id().await?,
        nonce: purse.nonce,
        gas_price_wei,
        gas_limit,
        to: TxKind::Create,
        data: code,
    })
}

async fn wait(nodes: &Nodes, hash: B256, patience: Duration) -> eyre::Result<Receipt> {
    let waited = tokio::time::timeout(patience, async {
        loop {
            if let Ok(Some(receipt)) = nodes.receipt(hash).await {
                return receipt;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    match waited.await {
        Ok(receipt) => Ok(receipt),
        Err(_) => bail!(
            "no block had {hash} within {} seconds. It may still come: look for it before you deploy again",
            patience.as_secs()
        ),
    }
}

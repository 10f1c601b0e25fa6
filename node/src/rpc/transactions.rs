//! `eth_*`: sending transactions and finding them.

use alloy_consensus::{SignableTransaction, Transaction as _};
use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U256};
use alloy_rpc_types_eth::{FillTransaction, Index, Transaction, TransactionReceipt, TransactionRequest};
use jsonrpsee::core::{RpcResult, async_trait};
use ledger_api::EthTransactionsServer;
use ledger_runtime::{BlockRef, CallOverrides, FoundTransaction, Runtime, store::TxLocation};
use serde_json::{Value, json};

use super::{
    context::{Api, number_of},
    convert,
    error::RpcFailure,
};

#[async_trait]
impl EthTransactionsServer for Api {
    async fn send_raw_transaction(&self, transaction: Bytes) -> RpcResult<B256> {
        let pool = self.context.pool.clone();
        // Recovering the sender is what costs.
        self.turns.own(move || Ok(pool.submit(&transaction)?)).await
    }

    async fn fill_transaction(&self, transaction: TransactionRequest) -> RpcResult<FillTransaction<Value>> {
        let api = self.clone();
        self.turns.call(move || fill(&api, transaction)).await
    }

    async fn transaction_by_hash(&self, transaction_hash: B256) -> RpcResult<Option<Transaction>> {
        let waiting = self.context.pool.get(&transaction_hash);
        let runtime = self.runtime();
        self.turns
            .read(move || match runtime.transaction(&transaction_hash)? {
                Some(found) => Ok(Some(included(found))),
                None => Ok(waiting.map(|waiting| convert::waiting(waiting.transaction.clone()))),
            })
            .await
    }

    async fn raw_transaction_by_hash(&self, transaction_hash: B256) -> RpcResult<Option<Bytes>> {
        self.raw_transaction_of(transaction_hash).await
    }

    async fn transaction_by_number_and_index(
        &self,
        block: BlockNumberOrTag,
        index: Index,
    ) -> RpcResult<Option<Transaction>> {
        self.transaction_at(convert::block_by_tag(block), index).await
    }

    async fn transaction_by_hash_and_index(&self, block_hash: B256, index: Index) -> RpcResult<Option<Transaction>> {
        self.transaction_at(convert::by_hash(block_hash), index).await
    }

    async fn transaction_receipt(&self, transaction_hash: B256) -> RpcResult<Option<TransactionReceipt>> {
        let runtime = self.runtime();
        self.turns
            .read(move || {
                let found = runtime.transaction(&transaction_hash)?;
                Ok(found.map(
                    |FoundTransaction {
                         location,
                         header,
                         transaction,
                         receipt,
                     }| { convert::receipt(receipt, &transaction, &header, location.index.into()) },
                ))
            })
            .await
    }

    async fn transaction_count(&self, address: Address, block: Option<BlockId>) -> RpcResult<U64> {
        if block == Some(BlockId::pending())
            && let Some(next) = self.context.pool.next_nonce(&address)
        {
            return Ok(U64::from(next));
        }
        let runtime = self.runtime();
        let at = convert::block_ref(block);
        self.turns
            .read(move || {
                let account = runtime.account(&address, at)?;
                Ok(account.map_or(U64::ZERO, |account| U64::from(account.nonce)))
            })
            .await
    }
}

impl Api {
    pub(super) async fn raw_transaction_of(&self, transaction_hash: B256) -> RpcResult<Option<Bytes>> {
        let waiting = self.context.pool.get(&transaction_hash);
        let runtime = self.runtime();
        self.turns
            .read(move || match runtime.transaction(&transaction_hash)? {
                Some(found) => Ok(Some(found.transaction.encoded_2718().into())),
                None => Ok(waiting.map(|waiting| waiting.transaction.encoded_2718().into())),
            })
            .await
    }

    async fn transaction_at(&self, at: BlockRef, index: Index) -> RpcResult<Option<Transaction>> {
        let runtime = self.runtime();
        self.turns
            .read(move || Ok(find_at(&runtime, at, index)?.map(included)))
            .await
    }
}

fn find_at(runtime: &Runtime, at: BlockRef, index: Index) -> Result<Option<FoundTransaction>, RpcFailure> {
    let (Some(block), Ok(index)) = (number_of(runtime, at)?, u32::try_from(index.0)) else {
        return Ok(None);
    };
    Ok(runtime.transaction_at(TxLocation { block, index })?)
}

/// What the caller left out, as a wallet would fill it in: price 0, the next nonce, the gas that it needs.
fn fill(api: &Api, mut request: TransactionRequest) -> Result<FillTransaction<Value>, RpcFailure> {
    let runtime = api.runtime();
    let ours = runtime.spec().chain_id;
    if let Some(theirs) = request.chain_id.filter(|theirs| *theirs != ours) {
        let message = format!("chainId does not match node's (have={theirs}, want={ours})");
        return Err(RpcFailure::Params(message));
    }
    request.chain_id = Some(ours);
    let input = request.input.try_into_unique_input();
    request.input = input.map_err(|error| RpcFailure::Params(error.to_string()))?.into();
    request.to.get_or_insert(TxKind::Create);
    request.value.get_or_insert_default();
    if request.gas_price.is_none() {
        request.max_fee_per_gas.get_or_insert_default();
        request.max_priority_fee_per_gas.get_or_insert_default();
    }
    let from = request.from.unwrap_or_default();
    if request.nonce.is_none() {
        let account = runtime.account(&from, BlockRef::Head)?;
        let next = account.map_or(0, |account| account.nonce);
        request.nonce = Some(api.context.pool.next_nonce(&from).unwrap_or(next));
    }
    if request.gas.is_none() {
        let overrides = api.in_next_block(BlockRef::Head, CallOverrides::default());
        request.gas = Some(runtime.estimate_gas(request.clone(), BlockRef::Head, overrides)?);
    }
    let filled = request.build_consensus_tx();
    let filled = filled.map_err(|failure| RpcFailure::Params(failure.error))?;
    let mut tx = serde_json::to_value(&filled).map_err(|error| RpcFailure::Internal(error.to_string()))?;
    if let Some(fields) = tx.as_object_mut() {
        let price = U256::from(filled.max_fee_per_gas());
        fields.entry("gasPrice").or_insert_with(|| json!(price));
    }
    Ok(FillTransaction {
        raw: filled.encoded_for_signing().into(),
        tx,
    })
}

fn included(found: FoundTransaction) -> Transaction {
    convert::included(found.transaction, &found.header, found.location.index.into())
}

//! `eth_*`: sending transactions and finding them.

use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_rpc_types_eth::{Index, Transaction, TransactionReceipt};
use jsonrpsee::core::{RpcResult, async_trait};
use ledger_api::EthTransactionsServer;
use ledger_runtime::{BlockRef, FoundTransaction, Runtime, store::TxLocation};

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
        let waiting = self.context.pool.get(&transaction_hash);
        let runtime = self.runtime();
        self.turns
            .read(move || match runtime.transaction(&transaction_hash)? {
                Some(found) => Ok(Some(found.transaction.encoded_2718().into())),
                None => Ok(waiting.map(|waiting| waiting.transaction.encoded_2718().into())),
            })
            .await
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

fn included(found: FoundTransaction) -> Transaction {
    convert::included(found.transaction, &found.header, found.location.index.into())
}

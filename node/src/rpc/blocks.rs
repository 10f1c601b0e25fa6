//! `eth_*`: blocks, fees, and where the chain stands.

use alloy_consensus::BlockHeader;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, U64, U256};
use alloy_rpc_types_eth::{Block, FeeHistory, Header, Index, TransactionReceipt};
use jsonrpsee::core::{RpcResult, async_trait};
use ledger_api::{EthBlocksServer, SyncInfo, SyncStatus};
use ledger_chainspec::BlockNumber;
use ledger_runtime::{BlockRef, Runtime};

use super::{
    context::{Api, number_of},
    convert,
    error::RpcFailure,
};

/// Blocks that one fee history covers at most, as geth does.
pub const FEE_HISTORY_BLOCKS_MAX: u64 = 1024;

/// Percentiles that one fee history may ask for.
pub const FEE_PERCENTILES_MAX: usize = 100;

#[async_trait]
impl EthBlocksServer for Api {
    fn chain_id(&self) -> RpcResult<U64> {
        Ok(U64::from(self.context.runtime.spec().chain_id))
    }

    fn block_number(&self) -> RpcResult<U64> {
        Ok(U64::from(self.head().number().get()))
    }

    fn syncing(&self) -> RpcResult<SyncStatus> {
        Ok(self.sync_status())
    }

    fn accounts(&self) -> RpcResult<Vec<Address>> {
        Ok(Vec::new())
    }

    fn gas_price(&self) -> RpcResult<U256> {
        Ok(U256::ZERO)
    }

    fn max_priority_fee_per_gas(&self) -> RpcResult<U256> {
        Ok(U256::ZERO)
    }

    fn base_fee(&self) -> RpcResult<U256> {
        Ok(U256::ZERO)
    }

    fn blob_base_fee(&self) -> RpcResult<U256> {
        Ok(U256::ZERO)
    }

    async fn fee_history(
        &self,
        block_count: U64,
        newest_block: BlockNumberOrTag,
        reward_percentiles: Option<Vec<f64>>,
    ) -> RpcResult<FeeHistory> {
        let runtime = self.runtime();
        let newest = convert::block_by_tag(newest_block);
        self.turns
            .read(move || fee_history(&runtime, block_count.to(), newest, reward_percentiles))
            .await
    }

    async fn header_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<Header>> {
        self.header_at(convert::block_by_tag(block)).await
    }

    async fn header_by_hash(&self, block_hash: B256) -> RpcResult<Option<Header>> {
        self.header_at(convert::by_hash(block_hash)).await
    }

    async fn block_by_number(&self, block: BlockNumberOrTag, hydrated: Option<bool>) -> RpcResult<Option<Block>> {
        self.block_at(convert::block_by_tag(block), hydrated).await
    }

    async fn block_by_hash(&self, block_hash: B256, hydrated: Option<bool>) -> RpcResult<Option<Block>> {
        self.block_at(convert::by_hash(block_hash), hydrated).await
    }

    async fn block_transaction_count_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<U64>> {
        self.transaction_count_at(convert::block_by_tag(block)).await
    }

    async fn block_transaction_count_by_hash(&self, block_hash: B256) -> RpcResult<Option<U64>> {
        self.transaction_count_at(convert::by_hash(block_hash)).await
    }

    async fn block_receipts(&self, block: BlockId) -> RpcResult<Option<Vec<TransactionReceipt>>> {
        let runtime = self.runtime();
        let at = convert::block_ref(Some(block));
        self.turns
            .read(move || {
                let (Some(block), Some(receipts)) = (runtime.block(at)?, runtime.receipts(at)?) else {
                    return Ok(None);
                };
                let pairs = (0_u64..).zip(receipts.into_iter().zip(&block.transactions));
                let receipts = pairs.map(|(index, (receipt, transaction))| {
                    convert::receipt(receipt, transaction, &block.header, index)
                });
                Ok(Some(receipts.collect()))
            })
            .await
    }

    async fn uncle_count_by_number(&self, block: BlockNumberOrTag) -> RpcResult<Option<U64>> {
        self.uncle_count_at(convert::block_by_tag(block)).await
    }

    async fn uncle_count_by_hash(&self, block_hash: B256) -> RpcResult<Option<U64>> {
        self.uncle_count_at(convert::by_hash(block_hash)).await
    }

    fn uncle_by_number_and_index(&self, _block: BlockNumberOrTag, _index: Index) -> RpcResult<Option<Block>> {
        Ok(None)
    }

    fn uncle_by_hash_and_index(&self, _block_hash: B256, _index: Index) -> RpcResult<Option<Block>> {
        Ok(None)
    }
}

impl Api {
    pub(super) fn sync_status(&self) -> SyncStatus {
        let Some(progress) = self.context.network.borrow().sync else {
            return SyncStatus::Done(false);
        };
        let head = self.head().number();
        SyncStatus::Catching(SyncInfo {
            starting_block: progress.from.get(),
            current_block: head.get(),
            // The head may have passed what the sync aimed at a moment ago.
            highest_block: progress.target.max(head).get(),
        })
    }

    async fn header_at(&self, at: BlockRef) -> RpcResult<Option<Header>> {
        let runtime = self.runtime();
        self.turns
            .read(move || Ok(runtime.header(at)?.map(|header| convert::header(header, None))))
            .await
    }

    async fn block_at(&self, at: BlockRef, hydrated: Option<bool>) -> RpcResult<Option<Block>> {
        let runtime = self.runtime();
        let hydrated = hydrated.unwrap_or(false);
        self.turns
            .read(move || Ok(runtime.block(at)?.map(|stored| convert::block(stored, hydrated))))
            .await
    }

    async fn transaction_count_at(&self, at: BlockRef) -> RpcResult<Option<U64>> {
        let runtime = self.runtime();
        self.turns
            .read(move || Ok(runtime.block(at)?.map(|stored| U64::from(stored.transactions.len()))))
            .await
    }

    async fn uncle_count_at(&self, at: BlockRef) -> RpcResult<Option<U64>> {
        let runtime = self.runtime();
        self.turns
            .read(move || Ok(runtime.header(at)?.map(|_| U64::ZERO)))
            .await
    }
}

/// Prices are 0 throughout; how full the blocks were is true.
fn fee_history(
    runtime: &Runtime,
    count: u64,
    newest: BlockRef,
    percentiles: Option<Vec<f64>>,
) -> Result<FeeHistory, RpcFailure> {
    check_percentiles(percentiles.as_deref().unwrap_or_default())?;
    let head = runtime.head().number();
    let newest = number_of(runtime, newest)?.unwrap_or(head);
    if newest > head {
        return Err(RpcFailure::NotFound(format!(
            "request beyond head block: requested {newest}, head {head}"
        )));
    }
    let kept = newest
        .get()
        .saturating_add(1)
        .saturating_sub(runtime.oldest_block().get());
    let count = count.min(FEE_HISTORY_BLOCKS_MAX).min(kept);
    // Of no blocks, too, the price of the next one is told.
    let oldest = newest.get() + 1 - count;
    let mut history = FeeHistory {
        oldest_block: oldest,
        ..FeeHistory::default()
    };
    for number in oldest..=newest.get() {
        let header = runtime.header(BlockRef::Number(BlockNumber::new(number)))?;
        let header = header
            .ok_or_else(|| RpcFailure::NotFound(format!("there is no block {number}")))?
            .header;
        history
            .base_fee_per_gas
            .push(header.base_fee_per_gas().unwrap_or_default().into());
        history.gas_used_ratio.push(share(header.gas_used, header.gas_limit));
        history.base_fee_per_blob_gas.push(0);
        history.blob_gas_used_ratio.push(0.0);
    }
    history.base_fee_per_gas.push(0);
    history.base_fee_per_blob_gas.push(0);
    let blocks = history.gas_used_ratio.len();
    history.reward = percentiles.map(|wanted| vec![vec![0; wanted.len()]; blocks]);
    Ok(history)
}

fn check_percentiles(percentiles: &[f64]) -> Result<(), RpcFailure> {
    if percentiles.len() > FEE_PERCENTILES_MAX {
        return Err(RpcFailure::Limit(format!(
            "over the query limit {FEE_PERCENTILES_MAX} of reward percentiles"
        )));
    }
    if let Some(wrong) = percentiles
        .iter()
        .find(|percentile| !(0.0..=100.0).contains(*percentile))
    {
        return Err(RpcFailure::Params(format!("invalid reward percentile: {wrong}")));
    }
    if !percentiles.is_sorted() {
        return Err(RpcFailure::Params(
            "invalid reward percentile: they must ascend".to_owned(),
        ));
    }
    Ok(())
}

/// `part / whole`, for people to look at.
#[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

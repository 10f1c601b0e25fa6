// Hardhat's node as Ethereum Classic: no base fee to begin with, blocks when a test asks for them, the dearest transaction first.
module.exports = {
  networks: {
    hardhat: {
      chainId: 63,
      hardfork: "shanghai",
      initialBaseFeePerGas: 0,
      blockGasLimit: 8_000_000,
      accounts: { count: 2 },
      mining: { auto: false, interval: 0, mempool: { order: "priority" } },
    },
  },
};

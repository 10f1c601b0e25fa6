/** What the pages of blocks and accounts share. */
import { callWords } from "../../chain/calls";
import type { Transaction } from "../../rpc/types";
import { Id, Wide } from "../../ui/parts";
import { plural } from "../../words";

export function Transactions({ transactions, empty }: { transactions: readonly Transaction[]; empty: string }) {
  return (
    <section class="card" aria-labelledby="transactions">
      <h2 id="transactions">{plural(transactions.length, "transaction")}</h2>
      {transactions.length === 0 ? (
        <p class="soft">{empty}</p>
      ) : (
        <Wide label="Transactions">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Transaction</th>
                <th scope="col">From</th>
                <th scope="col">What</th>
              </tr>
            </thead>
            <tbody>
              {transactions.map((transaction) => (
                <tr key={transaction.hash}>
                  <td>
                    <Id id={transaction.hash} to="transaction" />
                  </td>
                  <td>
                    <Id id={transaction.from} to="account" />
                  </td>
                  <td>{callWords(transaction.to, transaction.input)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
    </section>
  );
}

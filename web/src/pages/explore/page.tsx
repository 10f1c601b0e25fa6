/** Whatever has an id: blocks, transactions, codes, accounts, and the search for one. */
import type { Route } from "../../route";
import { Title } from "../../ui/parts";
import { CodeView } from "../code-view";
import { AccountPage } from "./account";
import { BlockPage } from "./block";
import { SearchPage } from "./search";
import { TransactionPage } from "./transaction";

export function ExplorePage({ route }: { route: Route }) {
  switch (route.page) {
    case "block":
      return <BlockPage id={route.id} />;
    case "transaction":
      return <TransactionPage id={route.id} />;
    case "account":
      return <AccountPage id={route.id} />;
    case "code":
      return (
        <>
          <Title name="Promo code" />
          <CodeView id={route.id} />
        </>
      );
    case "search":
      return <SearchPage query={route.query} />;
    default:
      return null;
  }
}

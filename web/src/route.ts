/** Which page is it? Pages are named after the `#` of the address, so that a node without a file of that name serves them all. */

export type Route =
  | { readonly page: "passport" }
  | { readonly page: "verify"; readonly code: string }
  | { readonly page: "network" }
  | { readonly page: "block"; readonly id: string }
  | { readonly page: "transaction"; readonly id: string }
  | { readonly page: "code"; readonly id: string }
  | { readonly page: "account"; readonly id: string }
  | { readonly page: "search"; readonly query: string }
  | { readonly page: "nowhere"; readonly path: string };

/** The page that the part of an address from `#` on names. */
export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#?\/?/, "");
  const [name = "", ...rest] = path.split("/");
  const id = decoded(rest.join("/"));
  switch (name) {
    case "":
    case "passport":
      return { page: "passport" };
    case "verify":
      return { page: "verify", code: id };
    case "network":
      return { page: "network" };
    case "search":
      return { page: "search", query: id };
    case "block":
    case "transaction":
    case "code":
    case "account":
      return id === "" ? { page: "nowhere", path } : { page: name, id };
    default:
      return { page: "nowhere", path };
  }
}

/** The address of a page. */
export function link(
  page: "passport" | "verify" | "network" | "block" | "transaction" | "code" | "account" | "search",
  id?: string,
): string {
  return id === undefined ? `#/${page}` : `#/${page}/${encodeURIComponent(id)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

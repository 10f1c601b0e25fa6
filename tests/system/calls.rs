//! Does a call see what a transaction sent now would see?

use ledger_tests::harness::{
    Account, Node,
    promo::{self, SMALL},
};
use serde_json::{Value, json};

/// Code that returns `NUMBER` and `TIMESTAMP`, a word each.
const BLOCK_CODE: &str = "0x435f524260205260405ff3";

fn word(output: &Value, index: usize) -> u64 {
    let digits = output
        .as_str()
        .and_then(|text| text.get(2 + 64 * index..2 + 64 * (index + 1)))
        .expect("two words");
    u64::from_str_radix(digits.trim_start_matches('0'), 16).expect("a word that fits")
}

#[test]
fn a_call_on_the_newest_state_runs_in_the_block_that_would_come_next() {
    let node = Node::start();
    let offer = node
        .dev_account(0)
        .send(node.rpc(), &promo::set_offer(SMALL, 10))
        .expect("an offer is accepted");
    let head = node.rpc().call("eth_getBlockByNumber", &json!(["latest", false]));
    assert_eq!(
        head["number"], offer["blockNumber"],
        "the chain is quiet after its one transaction"
    );
    let number = |value: &Value| u64::from_str_radix(&value.as_str().unwrap_or("")[2..], 16).expect("a quantity");
    std::thread::sleep(std::time::Duration::from_secs(2));

    let code = BLOCK_CODE;
    let to = Account::random(node.chain_id()).address();
    let ask = |tag: &Value| {
        let parameters = json!([{ "to": to }, tag, { to.to_string(): { "code": code } }]);
        node.rpc().call("eth_call", &parameters)
    };
    let now = ask(&json!("latest"));
    assert_eq!(word(&now, 0), number(&head["number"]) + 1);
    assert!(
        word(&now, 1) >= number(&head["timestamp"]) + 2,
        "a call sees the present: {now}"
    );
    let then = ask(&head["number"]);
    assert_eq!(
        (word(&then, 0), word(&then, 1)),
        (number(&head["number"]), number(&head["timestamp"]))
    );
}

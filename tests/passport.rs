//! The story of promo codes as users and clouds live it: with the `passport` command, on a real node.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    process::{Command, Output},
};

use alloy_primitives::{B256, Bytes, Signature, U256, hex, keccak256};
use ledger_tests::harness::{Node, RpcError, built_binary};
use serde_json::{Value, json};
use tempfile::TempDir;

const AURORA_REDEEMER: &str = "1";
const BOREALIS_REDEEMER: &str = "3";

/// A node, and the command with a wallet folder of its own.
struct Stage {
    node: Node,
    folder: TempDir,
}

impl Stage {
    /// A dev chain on which both clouds offer ten small instances.
    fn new() -> Self {
        let stage = Self {
            node: Node::start(),
            folder: TempDir::with_prefix("passport-story-").unwrap(),
        };
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(stage.path("password"));
        std::io::Write::write_all(file.as_mut().unwrap(), b"correct horse\n").unwrap();
        for redeemer in [AURORA_REDEEMER, BOREALIS_REDEEMER] {
            stage.done(&["offer", "set", "small", "10", "--dev-account", redeemer]);
        }
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(built_binary("passport"))
            .args(arguments)
            .arg("--json")
            .current_dir(self.folder.path())
            .env("PASSPORT_RPC", self.node.rpc().url())
            .env("PASSPORT_WALLET_DIR", self.path("wallets"))
            .env("PASSPORT_PASSWORD_FILE", self.path("password"))
            .output()
            .unwrap()
    }

    /// Runs a command that has to end with `exit`, and gives its answer.
    fn ends(&self, exit: i32, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "passport {arguments:?}: {err}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn done(&self, arguments: &[&str]) -> Value {
        self.ends(0, arguments)
    }

    /// Runs a command that has to fail with `exit`, and gives the failure's name and message.
    fn fails(&self, exit: i32, arguments: &[&str]) -> (String, String) {
        let output = self.run(arguments);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "passport {arguments:?}: {err}");
        assert!(output.stdout.is_empty());
        let failure: Value = serde_json::from_str(err.lines().last().unwrap()).unwrap();
        let text = |key: &str| failure["error"][key].as_str().unwrap().to_owned();
        (text("name"), text("message"))
    }

    /// Asks for a code and gives it in both its forms.
    fn request(&self, wallet: &str) -> (String, String) {
        let code = self.done(&["request", "small", "--wallet", wallet]);
        let text = |key: &str| code[key].as_str().unwrap().to_owned();
        (text("transaction"), text("passportCode"))
    }
}

#[test]
fn code_is_requested_verified_redeemed_once_and_rewarded() {
    let stage = Stage::new();
    let user = stage.done(&["wallet", "new", "user"]);
    let (transaction, passport_code) = stage.request("user");
    let by_transaction = stage.done(&["code", &transaction]);
    assert_eq!(by_transaction, stage.done(&["code", &passport_code.to_lowercase()]));
    assert_eq!(by_transaction["holder"], user["address"]);

    // A transaction id is public: without the holder's word for this cloud it is worth nothing.
    let unsigned = stage.ends(4, &["verify", &transaction, "--cloud", "Aurora Cloud"]);
    assert_eq!(unsigned["verdict"], "valid");
    assert_eq!(unsigned["redeemable"], false);
    let (name, _) = stage.fails(5, &["redeem", &transaction, "--dev-account", AURORA_REDEEMER]);
    assert_eq!(name, "authorizationMismatch");

    for (cloud, file) in [("aurora cloud", "aurora.json"), ("2", "borealis.json")] {
        let id = &passport_code;
        stage.done(&[
            "authorize",
            id,
            "--cloud",
            cloud,
            "--reference",
            "ticket 42",
            "--out",
            file,
        ]);
    }
    let (name, _) = stage.fails(
        5,
        &["verify", &transaction, "--cloud", "2", "--authorization", "aurora.json"],
    );
    assert_eq!(name, "authorizationMismatch");
    let arguments = [
        "redeem",
        &transaction,
        "--authorization",
        "aurora.json",
        "--dev-account",
        BOREALIS_REDEEMER,
    ];
    assert_eq!(stage.fails(5, &arguments).0, "authorizationMismatch");
    let arguments = [
        "redeem",
        &transaction,
        "--authorization",
        "aurora.json",
        "--dev-account",
        "7",
    ];
    let (name, message) = stage.fails(1, &arguments);
    assert_eq!(name, "reverted");
    assert!(
        message.contains("neither owns an active member nor redeems for one"),
        "{message}"
    );

    let signed = stage.done(&["verify", &transaction, "--cloud", "1", "--authorization", "aurora.json"]);
    assert_eq!(signed["redeemable"], true);
    let arguments = [
        "redeem",
        &passport_code,
        "--authorization",
        "aurora.json",
        "--dev-account",
        AURORA_REDEEMER,
    ];
    stage.done(&arguments);

    let arguments = [
        "redeem",
        &transaction,
        "--authorization",
        "borealis.json",
        "--dev-account",
        BOREALIS_REDEEMER,
    ];
    let (name, message) = stage.fails(4, &arguments);
    assert_eq!(name, "codeEnded");
    assert!(
        message.ends_with("was redeemed by Aurora Cloud (member 1)"),
        "{message}"
    );
    let spent = stage.ends(
        4,
        &[
            "verify",
            &transaction,
            "--cloud",
            "2",
            "--authorization",
            "borealis.json",
        ],
    );
    assert_eq!(spent["verdict"], "redeemed");
    let balance = stage.done(&["balance", "--wallet", "user"]);
    assert_eq!(
        balance["passportTokens"],
        format!("{:#x}", U256::from(10).pow(U256::from(18)))
    );
    assert_eq!(balance["coins"], "0x0", "the user never needed a coin");
}

/// The digest that the command signs is the one that the contract checks.
#[test]
fn authorization_is_signed_over_the_contracts_digest() {
    let stage = Stage::new();
    stage.done(&["wallet", "new"]);
    let (transaction, _) = stage.request("default");
    let signed = stage.done(&["authorize", &transaction, "--cloud", "2", "--reference", "ticket 42"]);
    let word = |key: &str| {
        let value = U256::from_str_radix(&signed[key].as_str().unwrap()[2..], 16);
        hex::encode(B256::from(value.unwrap()))
    };
    let selector = hex::encode(&keccak256("redemptionDigest(uint256,uint32,bytes32,uint256)")[..4]);
    let data = ["codeId", "memberId", "signupRef", "deadline"].map(word).concat();
    let call = json!([{ "to": stage.node.contract("transact"), "data": format!("0x{selector}{data}") }, "latest"]);
    let digest: B256 = stage
        .node
        .rpc()
        .call("eth_call", &call)
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let signature: Bytes = signed["signature"].as_str().unwrap().parse().unwrap();
    let signer = Signature::try_from(signature.as_ref())
        .unwrap()
        .recover_address_from_prehash(&digest);
    assert_eq!(format!("{:#x}", signer.unwrap()), signed["holder"].as_str().unwrap());

    let salt: B256 = signed["signup"]["salt"].as_str().unwrap().parse().unwrap();
    let hash = keccak256([salt.as_slice(), b"ticket 42"].concat());
    assert_eq!(signed["signupRef"], hash.to_string());
}

#[test]
fn code_is_transferred_given_back_and_missed() {
    let stage = Stage::new();
    stage.done(&["wallet", "new", "giver"]);
    let taker = stage.done(&["wallet", "new", "taker"]);
    let taker = taker["address"].as_str().unwrap();
    let (transaction, _) = stage.request("giver");

    let (name, _) = stage.fails(1, &["cancel", &transaction, "--wallet", "taker"]);
    assert_eq!(name, "notHolder");
    stage.done(&["transfer", &transaction, taker, "--wallet", "giver"]);
    assert_eq!(
        stage
            .fails(1, &["transfer", &transaction, taker, "--wallet", "giver"])
            .0,
        "notHolder"
    );
    assert_eq!(
        stage.ends(4, &["verify", &transaction, "--cloud", "1"])["verdict"],
        "transferred"
    );

    let before = stage.done(&["pool"]);
    stage.done(&["cancel", &transaction, "--wallet", "taker"]);
    assert_eq!(stage.done(&["code", &transaction])["state"], "cancelled");
    assert_eq!(
        (before[0]["liveCodes"].as_str(), before[0]["available"].as_str()),
        (Some("0x1"), Some("0x13"))
    );
    assert_eq!(stage.done(&["pool"])[0]["available"], "0x14");

    let nothing = format!("0x{}", "11".repeat(32));
    assert_eq!(stage.fails(4, &["code", &nothing]).0, "noSuchCode");
    assert_eq!(
        stage.ends(4, &["verify", &nothing, "--cloud", "1"])["verdict"],
        "neverIssued"
    );
    assert_eq!(
        stage.fails(2, &["verify", &transaction, "--cloud", "nobody"]).0,
        "unknownCloud"
    );
}

#[test]
fn clouds_pause_resume_and_run_out() {
    let stage = Stage::new();
    stage.done(&["wallet", "new"]);
    let aurora = ["--dev-account", AURORA_REDEEMER];
    let offer = |words: &[&str]| stage.run(&[&["offer"], words, &aurora].concat());
    assert!(offer(&["pause", "small"]).status.success());
    let (name, message) = stage.fails(1, &[&["offer", "pause", "small"][..], &aurora].concat());
    assert_eq!(name, "reverted");
    assert!(message.contains("paused already"), "{message}");
    assert_eq!(stage.done(&["pool"])[0]["available"], "0xa", "Borealis alone");
    assert!(offer(&["resume", "small"]).status.success());
    let shown = stage.done(&["offer", "show", "--cloud", "aurora cloud"]);
    assert_eq!(shown[0]["offers"][0]["left"], "0xa");

    let (name, message) = stage.fails(1, &["request", "medium"]);
    assert_eq!(name, "reverted");
    assert!(message.contains("has 0 codes left"), "{message}");
    assert_eq!(stage.fails(2, &["request", "huge"]).0, "unknownSpec");

    let status = stage.done(&["status"]);
    assert_eq!(status["chainId"], "0x189c");
    assert_eq!(stage.done(&["validators"])["validators"][0]["cloud"], "Aurora Cloud");
    assert_eq!(stage.done(&["specs"])[0]["name"], "small");
}

/// The command sends with the gas that the node estimates, and the first offer of a chain costs more in block 1 than it would
/// in the genesis block: there is a hash to anchor. So the estimate has to be for the block that comes next.
#[test]
fn gas_is_estimated_for_the_next_block() {
    let node = Node::start();
    let number = |value: &Value| u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    // Init code that reverts with the number of the block it runs in.
    let call = json!([{ "data": "0x4360005260206000fd" }]);
    let before = number(&node.rpc().call("eth_blockNumber", &json!([])));
    let Err(RpcError::Refused { data, .. }) = node.rpc().try_call("eth_estimateGas", &call) else {
        panic!("the init code reverts");
    };
    let after = number(&node.rpc().call("eth_blockNumber", &json!([])));
    let seen = number(&data);
    assert!(
        (before + 1..=after + 1).contains(&seen),
        "{before} < {seen} <= {after} + 1"
    );
}

//! The proof of a promo code from the mainchain to the sign-up page: a real network, a real mainchain with the real contracts, and the
//! `passport` command, which believes no node of the ledger.

use std::{
    cell::RefCell,
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::SolCall;
use ledger_checkpoint::{proof::ProofFile, statement::Anchor};
use ledger_contracts::{CodeVerifier::verifyCodeCall, initcode};
use ledger_tests::{
    harness::{MAINCHAIN_ID, Mainchain, Rpc, Testnet, built_binary},
    tidy::repository_root,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The part of the README whose shell blocks are run.
const PART: &str = "## A cloud that trusts no node";

/// Account of the last validator's owner.
const LEAVING: &str = "6";

/// A network, its mainchain, and a folder for files.
struct Stage {
    _net: Testnet,
    rpc: Rpc,
    mainchain: RefCell<Mainchain>,
    contract: Address,
    genesis: B256,
    folder: TempDir,
}

impl Stage {
    fn new() -> Option<Self> {
        let net = Testnet::start(4, 1);
        let rpc = net.rpc("node-0");
        let genesis = rpc.call("ledger_status", &json!([]))["genesisHash"].clone();
        let genesis: B256 = serde_json::from_value(genesis).expect("a hash");
        let mainchain = Mainchain::start(genesis, 0, 4)?;
        Some(Self {
            _net: net,
            rpc,
            contract: mainchain.contract(),
            mainchain: RefCell::new(mainchain),
            genesis,
            folder: TempDir::with_prefix("ledger-proofs-").expect("a temporary folder can be made"),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(built_binary("passport"))
            .args(arguments)
            .arg("--json")
            .current_dir(self.folder.path())
            .env("PASSPORT_RPC", self.rpc.url())
            .env("PASSPORT_CHECKPOINT_CONTRACT", self.contract.to_string())
            .output()
            .expect("passport can be run")
    }

    /// Runs a command that has to work, and gives its answer.
    fn done(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "passport {arguments:?}: {err}");
        serde_json::from_slice(&output.stdout).expect("it answers in JSON")
    }

    /// Runs a command that has to fail with `exit`, and gives the failure's name.
    fn fails(&self, exit: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "passport {arguments:?}: {err}");
        let failure: Value = serde_json::from_str(err.lines().last().unwrap_or_default()).expect("a failure in JSON");
        println!("refused: {}", failure["error"]["message"]);
        failure["error"]["name"].as_str().unwrap_or_default().to_owned()
    }

    /// Asks for a code.
    fn request(&self, account: &str) -> String {
        let code = self.done(&["request", "small", "--dev-account", account]);
        code["transaction"].as_str().expect("a transaction").to_owned()
    }

    /// The validators sign the checkpoint of the newest block, and it is anchored; the next one is for so many of them, if that is
    /// another set.
    fn anchor(&self, next: Option<u32>) -> u64 {
        let height = number(&self.rpc.call("eth_blockNumber", &json!([])));
        let block = |number: u64| {
            let block = self
                .rpc
                .call("eth_getBlockByNumber", &json!([format!("{number:#x}"), false]));
            let hash = |key: &str| serde_json::from_value(block[key].clone()).expect("a block has hashes");
            (hash("hash"), hash("stateRoot"))
        };
        self.mainchain.borrow_mut().anchor_blocks(&block, height, next);
        height
    }

    fn mine(&self, blocks: u64) {
        self.mainchain.borrow().mine(blocks);
    }

    fn view(&self, to: Address, data: &Bytes) -> Result<Bytes, String> {
        self.mainchain.borrow().view(to, data)
    }

    fn create(&self, code: Bytes) -> Address {
        self.mainchain.borrow_mut().create(code)
    }

    /// `passport verify --trustless` by the mainchain.
    fn by_mainchain<'a>(&self, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&["verify", "--trustless", "--mainchain", url][..], more].concat()
    }
}

/// Everything of one life: a network is dear.
#[test]
fn a_code_is_proven_by_the_mainchain_to_whoever_trusts_no_node() {
    let Some(stage) = Stage::new() else { return };
    let url = stage.mainchain.borrow().url();
    stage.done(&["offer", "set", "small", "10", "--dev-account", "0"]);

    // Without any checkpoint: from the genesis block, through certificates.
    let early = stage.request("7");
    let genesis = stage.genesis.to_string();
    assert_eq!(stage.fails(1, &stage.by_mainchain(&url, &[&early])), "mainchain");
    let by_block = ["verify", &early, "--trustless", "--trusted-block", &genesis];
    assert_eq!(stage.done(&by_block)["trusted"]["number"], "0x0");

    // A checkpoint before the request, and one validator who leaves after it.
    stage.anchor(None);
    let code = stage.request("8");
    assert_eq!(
        stage.fails(1, &stage.by_mainchain(&url, &[&code])),
        "mainchain",
        "not deep enough"
    );
    stage.mine(120);
    let proven = stage.done(&stage.by_mainchain(&url, &[&code]));
    assert_eq!(
        (&proven["anchored"]["index"], &proven["anchored"]["confirmations"]),
        (&json!("0x1"), &json!("0x78"))
    );
    assert_eq!(proven["spec"]["requiresAuthorization"], true);
    leaves(&stage);
    let after = stage.request("9");
    let saved = ["proof", &after, "--mainchain", &url, "--out", "handover.json"];
    stage.done(&saved);
    assert_eq!(stage.fails(5, &saved), "fileExists");
    let handed_over = read(&stage, "handover.json");
    assert_eq!(handed_over["proof"]["handovers"].as_array().map(Vec::len), Some(1));
    stage.done(&stage.by_mainchain(&url, &["--proof", "handover.json"]));

    // A checkpoint after the requests, signed by the set before, and one by the new set.
    stage.anchor(Some(3));
    stage.request("7");
    let third = stage.anchor(None);
    stage.request("9");
    stage.mine(120);
    let proven = stage.done(&stage.by_mainchain(&url, &[&code]));
    assert_eq!(proven["anchored"]["index"], "0x3");
    assert_eq!(number(&proven["trusted"]["number"]), third);
    forms_and_files(&stage, &url, &code);
    on_the_mainchain(&stage, &url, &code);
    lies(&stage, &url, &code);
    readme(&stage, &url, &code);
    used(&stage, &url, &code);
}

fn number(quantity: &Value) -> u64 {
    u64::from_str_radix(quantity.as_str().unwrap_or_default().trim_start_matches("0x"), 16).expect("a quantity")
}

fn read(stage: &Stage, name: &str) -> Value {
    serde_json::from_slice(&fs::read(stage.path(name)).expect("the file is there")).expect("it is JSON")
}

/// The last validator leaves.
fn leaves(stage: &Stage) {
    let left = Command::new(built_binary("ledger-node"))
        .args([
            "validator",
            "leave",
            "--rpc",
            &stage.rpc.url(),
            "--dev-account",
            LEAVING,
        ])
        .output()
        .expect("ledger-node can be run");
    assert!(left.status.success(), "{}", String::from_utf8_lossy(&left.stderr));
    let set = stage.rpc.call("ledger_validators", &json!([]));
    assert_eq!(
        (&set["setId"], set["validators"].as_array().map(Vec::len)),
        (&json!("0x1"), Some(3))
    );
}

/// Any form of the code, and a file that is checked without a node and without the mainchain.
fn forms_and_files(stage: &Stage, url: &str, code: &str) {
    let info = stage.done(&["code", code]);
    let text = |key: &str| info[key].as_str().expect("a text").to_owned();
    let (passport_code, id) = (text("passportCode"), text("codeId"));
    for form in [&passport_code, &id] {
        let proven = stage.done(&stage.by_mainchain(url, &[form]));
        assert_eq!(proven["transaction"], code);
    }
    stage.done(&["proof", code, "--mainchain", url, "--out", "proof.json"]);
    let file = read(stage, "proof.json");
    assert!(
        file["proof"]["request"]["path"].is_array(),
        "the request is proven by a checkpoint's history"
    );
    stage.done(&stage.by_mainchain(url, &[code, "--proof", "proof.json"]));
    let contract = Anchor {
        mainchain_id: MAINCHAIN_ID,
        contract: stage.contract,
    };
    let parsed =
        ProofFile::parse(&fs::read(stage.path("proof.json")).expect("the file is there")).expect("it is a proof");
    let prints: Vec<_> = parsed
        .anchored
        .expect("it begins with a checkpoint")
        .checkpoints()
        .map(|c| contract.fingerprint(&c).to_string())
        .collect();
    let (prints, genesis) = (prints.join(","), stage.genesis.to_string());
    // Nobody is asked: there is no node at this address.
    let offline = |prints: &str, genesis: &str| {
        let arguments = [
            "verify",
            code,
            "--trustless",
            "--proof",
            "proof.json",
            "--rpc",
            "http://127.0.0.1:1",
        ];
        let trust = ["--checkpoint", prints, "--genesis", genesis];
        stage.run(&[&arguments[..], &trust].concat())
    };
    assert_eq!(offline(&prints, &genesis).status.code(), Some(0));
    let other = B256::repeat_byte(3).to_string();
    for (prints, genesis, name) in [
        (&other, &genesis, "proofNotAccepted"),
        (&prints, &other, "proofOtherChain"),
    ] {
        let refused = offline(prints, genesis);
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&refused.stderr).contains(name), "{refused:?}");
    }
}

/// The contract on the mainchain accepts what the node proves, and nothing else.
fn on_the_mainchain(stage: &Stage, url: &str, code: &str) {
    let verifier = stage.create(initcode::code_verifier(stage.contract));
    let calls = stage.done(&["proof", code, "--mainchain", url, "--at-checkpoint", "--calldata"]);
    let (verify_code, verify_block) = (bytes(&calls["verifyCode"]), bytes(&calls["verifyBlock"]));
    let answer = stage
        .view(verifier, &verify_code)
        .expect("the contract accepts the proof");
    let proven = verifyCodeCall::abi_decode_returns(&answer).expect("a ProvenCode");
    let info = stage.done(&["code", code]);
    assert_eq!(proven.status, 1, "live");
    assert_eq!(
        proven.holder.to_string().to_lowercase(),
        info["holder"].as_str().unwrap_or_default()
    );
    assert_eq!(proven.expiresAt, number(&info["expiresAt"]));
    stage
        .view(verifier, &verify_block)
        .expect("and the block of the request");

    let call = verifyCodeCall::abi_decode(&verify_code).expect("it is the call");
    let mut refused = 0;
    let mut forge = |change: &dyn Fn(&mut verifyCodeCall)| {
        let mut forged = call.clone();
        change(&mut forged);
        let words = stage.view(verifier, &forged.abi_encode().into());
        words.expect_err("a forged proof reverts");
        refused += 1;
    };
    for node in 0..call.accountProof.len() {
        forge(&|forged| forged.accountProof[node] = turned(&call.accountProof[node], 5));
    }
    for node in 0..call.storageProof.len() {
        forge(&|forged| forged.storageProof[node] = turned(&call.storageProof[node], 5));
    }
    forge(&|forged| forged.c.stateRoot = B256::repeat_byte(1));
    forge(&|forged| forged.c.height += 1);
    forge(&|forged| forged.transact = Address::repeat_byte(1));
    forge(&|forged| forged.codeId += U256::ONE);
    assert!(refused >= 8, "{refused}");
    let other_block = turned(&verify_block, verify_block.len() - 1);
    stage.view(verifier, &other_block).expect_err("another path");
}

/// What is forged, or of something else.
fn lies(stage: &Stage, url: &str, code: &str) {
    let forge = |pointer: &str, name: &str| {
        let mut file = read(stage, "proof.json");
        let value = file.pointer_mut(pointer).expect("the proof has it");
        let text = value.as_str().expect("a text").to_owned();
        let last = if text.ends_with('1') { "2" } else { "1" };
        *value = json!(format!("{}{last}", &text[..text.len() - 1]));
        fs::write(stage.path("forged.json"), file.to_string()).expect("it can be written");
        let arguments = stage.by_mainchain(url, &[code, "--proof", "forged.json"]);
        assert_eq!(stage.fails(1, &arguments), name, "{pointer}");
    };
    forge("/proof/state/account/storageProof/0/proof/0", "proofRecord");
    forge("/proof/state/account/accountProof/0", "proofAccount");
    forge("/proof/request/receiptProof/0", "proofReceipt");
    forge("/anchored/checkpoint/stateRoot", "proofNotAccepted");
    forge("/anchored/checkpoint/height", "proofNotAccepted");
    forge("/proof/state/certificate", "proofNotFinal");

    // Contracts of others: of another chain, and a second one of this chain.
    let code_of = |genesis| stage.mainchain.borrow().contract_code(genesis);
    let (strange, twin) = (code_of(B256::repeat_byte(5)), code_of(stage.genesis));
    let (strange, twin) = (stage.create(strange), stage.create(twin));
    for (contract, name) in [(strange, "proofOtherChain"), (twin, "proofOtherContract")] {
        let contract = contract.to_string();
        let arguments = stage.by_mainchain(url, &[code, "--proof", "proof.json", "--contract", &contract]);
        assert_eq!(stage.fails(1, &arguments), name);
        assert_eq!(
            stage.fails(1, &stage.by_mainchain(url, &[code, "--contract", &contract])),
            "mainchain"
        );
    }
    // Of two mainchain nodes both have to agree, and there is no contract at an empty address.
    let two = format!("{url},http://127.0.0.1:1");
    assert_eq!(stage.fails(3, &stage.by_mainchain(&two, &[code])), "mainchain");
    let nowhere = Address::repeat_byte(7).to_string();
    assert_eq!(
        stage.fails(3, &stage.by_mainchain(url, &[code, "--contract", &nowhere])),
        "mainchain"
    );
    // Without anything that is trusted there is nothing to prove from.
    assert_eq!(stage.fails(2, &["verify", code, "--trustless"]), "trust");
    let deep = stage.by_mainchain(url, &[code, "--proof", "proof.json", "--confirmations", "5000"]);
    assert_eq!(stage.fails(1, &deep), "unconfirmed");
}

/// The README's commands, as they are printed.
fn readme(stage: &Stage, url: &str, code: &str) {
    let readme = fs::read_to_string(repository_root().join("README.md")).expect("there is a README");
    let part = readme.split_once(PART).expect("the README has this part").1;
    let part = part.split("\n## ").next().unwrap_or_default();
    let part = part.split("\n### ").next().unwrap_or_default();
    let blocks: String = part
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(blocks.lines().count() >= 5, "only these commands were found:\n{blocks}");
    let binaries = built_binary("passport");
    let binaries = binaries
        .parent()
        .expect("a binary lies in a folder")
        .display()
        .to_string();
    let path = format!("{binaries}:{}", std::env::var("PATH").unwrap_or_default());
    let script = blocks
        .replace("http://127.0.0.1:8555", url)
        .replace("0xYourProgramme", &stage.contract.to_string());
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(stage.folder.path())
        .envs([
            ("PATH", path),
            ("CODE", code.to_owned()),
            ("PASSPORT_RPC", stage.rpc.url()),
        ])
        .output()
        .expect("bash is installed");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(
        output.status.success(),
        "{script}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The code is used: a new proof says so, an old one is true of its block, until the mainchain knows of a later block.
fn used(stage: &Stage, url: &str, code: &str) {
    stage.done(&[
        "authorize",
        code,
        "--cloud",
        "1",
        "--reference",
        "x",
        "--dev-account",
        "8",
        "--out",
        "consent.json",
    ]);
    stage.done(&["redeem", code, "--authorization", "consent.json", "--dev-account", "1"]);
    assert_eq!(stage.fails(4, &stage.by_mainchain(url, &[code])), "codeRedeemed");
    let old = stage.by_mainchain(url, &[code, "--proof", "proof.json"]);
    let then = stage.done(&old);
    let now = stage.rpc.call("eth_blockNumber", &json!([]));
    assert!(number(&then["asOf"]["number"]) < number(&now), "{then}");
    stage.anchor(None);
    assert_eq!(stage.fails(1, &old), "proofSuperseded");
    let young = [&old[..], &["--max-age", "0s"]].concat();
    assert_eq!(stage.fails(1, &young), "proofSuperseded");
    // Proven to be redeemed, for the mainchain too, once that is anchored.
    stage.mine(120);
    let calls = stage.done(&["proof", code, "--mainchain", url, "--at-checkpoint", "--calldata"]);
    let verifier = stage.create(initcode::code_verifier(stage.contract));
    let answer = stage
        .view(verifier, &bytes(&calls["verifyCode"]))
        .expect("the contract accepts the proof");
    assert_eq!(
        verifyCodeCall::abi_decode_returns(&answer)
            .expect("a ProvenCode")
            .status,
        3,
        "redeemed"
    );
    let at = [
        "proof",
        code,
        "--mainchain",
        url,
        "--at-checkpoint",
        "--out",
        "redeemed.json",
    ];
    stage.done(&at);
    assert_eq!(
        stage.fails(4, &stage.by_mainchain(url, &["--proof", "redeemed.json"])),
        "codeRedeemed"
    );
}

/// Bytes as a call has them, with one bit turned.
fn turned(bytes: &Bytes, at: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes.into()
}

fn bytes(value: &Value) -> Bytes {
    let decoded = hex::decode(value.as_str().unwrap_or_default());
    decoded.expect("bytes in hexadecimal").into()
}

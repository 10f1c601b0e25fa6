//! Sample answers of a node, and the command as a process.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use alloy_primitives::{Address, B256, U256, address, b256};
use ledger_api::{CloudInfo, CodeInfo, CodeState, SpecInfo};
use tempfile::TempDir;

/// 2026-11-20 14:32:55 UTC.
pub const NOW: u64 = 1_795_185_175;

pub const HOLDER: Address = address!("0x14dC79964da2C08b23698B3D3cc7Ca32193d9955");
pub const OTHER: Address = address!("0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f");
pub const TRANSACTION: B256 = b256!("0x5a0b54d5dc17e0aadc383d2db43b0a0d3e029c4c5e0a5b3e1d3a4b8f6c7d8e9f");

pub fn spec(requires_authorization: bool) -> SpecInfo {
    SpecInfo {
        spec_id: 1,
        name: "small".to_owned(),
        vcpus: 1,
        memory_mib: 2_048,
        disk_gib: 20,
        hours: 720,
        ttl_seconds: 2_592_000,
        reward: U256::from(10).pow(U256::from(18)),
        requires_authorization,
    }
}

pub fn cloud() -> CloudInfo {
    CloudInfo {
        member_id: 2,
        name: "Borealis Cloud".to_owned(),
        owner: OTHER,
    }
}

/// A live code of [`HOLDER`], one hour old.
pub fn code() -> CodeInfo {
    CodeInfo {
        code_id: (U256::from(1) << 64) | U256::from(7),
        transaction: TRANSACTION,
        passport_code: "003A-G00A-R7VJ".to_owned(),
        state: CodeState::Live,
        holder: HOLDER,
        requester: HOLDER,
        spec: spec(true),
        block_number: 106,
        issued_at: NOW - 3_600,
        expires_at: NOW - 3_600 + 2_592_000,
        ending: None,
    }
}

/// `passport` with a wallet folder of its own and a password file.
pub struct Passport {
    folder: TempDir,
}

impl Passport {
    pub fn new() -> Self {
        let passport = Self {
            folder: TempDir::with_prefix("passport-test-").unwrap(),
        };
        passport.write("password", "correct horse\n");
        passport
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file that only its owner can read.
    pub fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with_input(arguments, "")
    }

    /// Runs the command against a port where nothing listens, unless `arguments` say otherwise.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Run {
        let mut child = Command::new(env!("CARGO_BIN_EXE_passport"))
            .args(arguments)
            .env_clear()
            .env("PASSPORT_RPC", "http://127.0.0.1:1")
            .env("PASSPORT_WALLET_DIR", self.folder().join("wallets"))
            .env("PASSPORT_PASSWORD_FILE", self.folder().join("password"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Run(child.wait_with_output().unwrap())
    }
}

/// How a run of the command ended.
#[derive(Debug)]
pub struct Run(Output);

impl Run {
    pub fn exit(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub fn out(&self) -> &str {
        std::str::from_utf8(&self.0.stdout).unwrap()
    }

    pub fn err(&self) -> &str {
        std::str::from_utf8(&self.0.stderr).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.out()).unwrap()
    }

    /// The failure's name with `--json`.
    pub fn failure(&self) -> String {
        let object: serde_json::Value = serde_json::from_str(self.err()).unwrap();
        assert!(object["error"]["message"].as_str().is_some_and(|text| !text.is_empty()));
        assert!(object["error"]["next"].as_str().is_some_and(|text| text.ends_with('.')));
        object["error"]["name"].as_str().unwrap().to_owned()
    }
}

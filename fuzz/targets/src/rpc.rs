//! Does JSON-RPC answer any body at all? Requests to a real node without a port: a dev chain in a temporary folder, every method,
//! every layer that a request over HTTP meets.

use std::{cell::RefCell, sync::Arc};

use jsonrpsee::server::HttpResponse;
use ledger_chainspec::ChainSpec;
use ledger_node::{
    rpc::{InProcess, NetworkStatus, RpcContext, RpcLimits},
    txpool::TxPool,
    wiring::{Roles, Wiring},
};
use ledger_runtime::{Runtime, RuntimeOptions};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::{Heap, Target, seeds::Seed};

/// The targets of this page.
pub const TARGETS: &[Target] = &[Target {
    name: "rpc_request",
    run: rpc_request,
    input_bytes_max: 4 << 10,
    // A call may fill the EVM's memory as far as its gas goes; what the bytes alone can claim is far below.
    heap: Heap {
        base: 256 << 20,
        per_byte: 1 << 10,
    },
}];

/// A node without a port, driver or network.
struct Desk {
    server: InProcess,
    threads: tokio::runtime::Runtime,
    _folder: TempDir,
    _heads: watch::Sender<Arc<ledger_runtime::Head>>,
    _network: watch::Sender<NetworkStatus>,
}

impl Desk {
    fn open() -> Self {
        let threads = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(4)
            .build()
            .expect("threads can be started");
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let options = RuntimeOptions::new(folder.path().join("chain"), Arc::new(ChainSpec::dev()));
        let runtime = Arc::new(Runtime::open(options).expect("the dev chain opens"));
        let pool = TxPool::open(Arc::clone(&runtime), None).expect("a pool without a journal opens");
        let (heads, network) = (
            watch::Sender::new(runtime.head()),
            watch::Sender::new(NetworkStatus::default()),
        );
        let pool = Arc::new(pool);
        let context = RpcContext {
            consensus: Wiring::new(
                (&runtime, &pool, &heads.subscribe()),
                (None, &Arc::default()),
                Roles::default(),
                threads.handle().clone(),
            )
            .port,
            runtime,
            pool,
            heads: heads.subscribe(),
            network: network.subscribe(),
            client_version: "fuzz".to_owned(),
            metrics: Arc::new(String::new),
        };
        let server = {
            let _inside = threads.enter();
            InProcess::new(&RpcLimits::default(), context)
        };
        Self {
            server,
            threads,
            _folder: folder,
            _heads: heads,
            _network: network,
        }
    }

    fn ask(&mut self, body: &[u8]) -> HttpResponse {
        let answer = self.threads.block_on(self.server.post(body.to_vec()));
        answer.expect("every body is answered")
    }
}

/// The body of a request. Whatever it is, there is an answer, and it is JSON or the word that it is none.
pub fn rpc_request(bytes: &[u8]) {
    thread_local! {
        static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
    }
    DESK.with_borrow_mut(|desk| {
        let desk = desk.get_or_insert_with(Desk::open);
        let answer = desk.ask(bytes);
        let status = answer.status().as_u16();
        assert!(matches!(status, 200 | 400 | 413), "a status of {status}");
    });
}

/// Seeds of these targets.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let call = |method: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#).into_bytes()
    };
    let to = "0x7777777777777777777777777777777777777777";
    let batch = [
        &b"["[..],
        &call("eth_chainId", "[]"),
        b",",
        &call("net_version", "[]"),
        b"]",
    ]
    .concat();
    vec![
        (
            "rpc_request",
            "balance",
            call("eth_getBalance", &format!(r#"["{to}","latest"]"#)),
        ),
        (
            "rpc_request",
            "call",
            call(
                "eth_call",
                &format!(r#"[{{"to":"{to}","data":"0x01"}},"latest",{{"{to}":{{"code":"0x6001"}}}}]"#),
            ),
        ),
        (
            "rpc_request",
            "estimate",
            call("eth_estimateGas", &format!(r#"[{{"to":"{to}"}}]"#)),
        ),
        (
            "rpc_request",
            "logs",
            call(
                "eth_getLogs",
                r#"[{"fromBlock":"0x0","toBlock":"latest","topics":[null,[]]}]"#,
            ),
        ),
        (
            "rpc_request",
            "proof",
            call("eth_getProof", &format!(r#"["{to}",["0x0"],"latest"]"#)),
        ),
        ("rpc_request", "block", call("eth_getBlockByNumber", r#"["0x0",true]"#)),
        (
            "rpc_request",
            "fees",
            call("eth_feeHistory", r#"["0x1","latest",[50]]"#),
        ),
        ("rpc_request", "filter", call("eth_newFilter", r#"[{}]"#)),
        ("rpc_request", "send", call("eth_sendRawTransaction", r#"["0x02c0"]"#)),
        (
            "rpc_request",
            "verify",
            call("ledger_verifyCode", r#"["0010-00ZY",{"cloud":"Aurora Cloud"}]"#),
        ),
        ("rpc_request", "subscribe", call("eth_subscribe", r#"["newHeads"]"#)),
        ("rpc_request", "batch", batch),
    ]
}

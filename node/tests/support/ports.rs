//! Ports for processes of a test, which no other test has.

use std::{
    net::{TcpListener, UdpSocket},
    sync::Mutex,
};

/// Ports are looked for from here: below those that the kernel gives to connections, and away from our defaults.
const PORTS_FROM: u16 = 20_000;
const PORTS: u16 = 9_000;
/// They are given out by blocks of so many, less one.
const BLOCK: u16 = 20;

/// `count` ports in a row that nobody listens on, and that no other test is given while this process lives: the last port of their block
/// is listened on until then.
pub fn free_ports(count: u16) -> u16 {
    static GUARDS: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    let is_free =
        |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok();
    let blocks = PORTS / BLOCK;
    let first = u16::try_from(std::process::id() % u32::from(blocks)).unwrap();
    let free = (first..first + blocks).find_map(|block| {
        let base = PORTS_FROM + block % blocks * BLOCK;
        let guard = TcpListener::bind(("127.0.0.1", base + BLOCK - 1)).ok()?;
        (base..base + count).all(is_free).then_some((base, guard))
    });
    let (base, guard) = free.filter(|_| count < BLOCK).expect("a block of ports is free");
    GUARDS.lock().unwrap().push(guard);
    base
}

//! Network namespaces for the nodes: each has a house of its own with two lines, one to its peers over a bridge, one to this process
//! for JSON-RPC. Moving a line from one bridge to the other cuts a node off and brings it back; nothing of the host is touched but
//! interfaces of this process's own names.
//!
//! Needs the right to make namespaces, which root has; [`Namespaces::make`] says why where that is not so.

use std::{fs, net::Ipv4Addr, path::Path, process::Command};

/// First letters of every name that is made here; behind them stands the process id.
const PREFIX: &str = "clf";
/// Second bytes of networks 10.x.0.0/16 to choose from.
const NETS: std::ops::Range<u8> = 64..192;
/// This process's place in both networks.
const OWN: u8 = 254;

/// Which side of a cut a node is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first bridge, where everybody is unless it is said otherwise.
    First,
    /// The second bridge.
    Second,
}

/// A set of namespaces, taken away when dropped.
#[derive(Debug)]
pub struct Namespaces {
    names: Names,
    net: u8,
}

/// Names of what belongs to one process.
#[derive(Clone, Debug)]
struct Names(u32);

impl Names {
    fn namespace(&self, index: usize) -> String {
        format!("{PREFIX}{}-{index}", self.0)
    }

    fn bridge(&self, side: Side) -> String {
        let letter = match side {
            Side::First => 'a',
            Side::Second => 'b',
        };
        format!("{PREFIX}{}{letter}", self.0)
    }

    fn rpc_bridge(&self) -> String {
        format!("{PREFIX}{}r", self.0)
    }

    fn line(&self, index: usize) -> String {
        format!("{PREFIX}{}p{index}", self.0)
    }

    fn rpc_line(&self, index: usize) -> String {
        format!("{PREFIX}{}q{index}", self.0)
    }
}

impl Namespaces {
    /// Makes `count` of them, and takes away what dead processes have left.
    ///
    /// # Errors
    /// Why this machine has none.
    pub fn make(count: usize) -> Result<Self, String> {
        remove_stale();
        let own = Self {
            names: Names(std::process::id()),
            net: free_net()?,
        };
        own.bridge(&own.names.bridge(Side::First), Some(own.peer_address(OWN)))?;
        own.bridge(&own.names.bridge(Side::Second), None)?;
        own.bridge(&own.names.rpc_bridge(), Some(own.rpc_address(OWN)))?;
        for index in 0..count {
            own.house(index)?;
        }
        Ok(own)
    }

    fn bridge(&self, name: &str, address: Option<Ipv4Addr>) -> Result<(), String> {
        ip(&["link", "add", name, "type", "bridge"])?;
        if let Some(address) = address {
            ip(&["addr", "add", &format!("{address}/24"), "dev", name])?;
        }
        ip(&["link", "set", name, "up"])
    }

    fn house(&self, index: usize) -> Result<(), String> {
        let name = self.names.namespace(index);
        ip(&["netns", "add", &name])?;
        ip(&["-n", &name, "link", "set", "lo", "up"])?;
        let place = place(index);
        let lines = [
            (
                self.names.line(index),
                "peers",
                self.names.bridge(Side::First),
                self.peer_address(place),
            ),
            (
                self.names.rpc_line(index),
                "rpc",
                self.names.rpc_bridge(),
                self.rpc_address(place),
            ),
        ];
        for (line, inside, bridge, address) in lines {
            ip(&[
                "link", "add", &line, "type", "veth", "peer", "name", inside, "netns", &name,
            ])?;
            ip(&["link", "set", &line, "master", &bridge, "up"])?;
            ip(&["-n", &name, "addr", "add", &format!("{address}/24"), "dev", inside])?;
            ip(&["-n", &name, "link", "set", inside, "up"])?;
        }
        Ok(())
    }

    const fn peer_address(&self, place: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, self.net, 1, place)
    }

    const fn rpc_address(&self, place: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, self.net, 2, place)
    }

    /// Where the node with this index is for its peers, and for this process's JSON-RPC.
    pub fn addresses(&self, index: usize) -> (Ipv4Addr, Ipv4Addr) {
        (self.peer_address(place(index)), self.rpc_address(place(index)))
    }

    /// Words before a command that is to run in the namespace with this index.
    pub fn prefix(&self, index: usize) -> Vec<String> {
        ["ip", "netns", "exec", &self.names.namespace(index)]
            .map(str::to_owned)
            .to_vec()
    }

    /// Puts the node with this index on a side of the cut.
    ///
    /// # Errors
    /// What the system said.
    pub fn put(&self, index: usize, side: Side) -> Result<(), String> {
        ip(&[
            "link",
            "set",
            &self.names.line(index),
            "master",
            &self.names.bridge(side),
        ])
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        remove(self.names.0);
    }
}

fn place(index: usize) -> u8 {
    u8::try_from(index + 1).expect("a handful of nodes")
}

/// A network 10.x.0.0/16 that this machine does not know.
fn free_net() -> Result<u8, String> {
    let routes = output(&["route", "show"])?;
    let own = u8::try_from(std::process::id() % u32::from(NETS.end - NETS.start)).unwrap_or_default();
    let is_free = |net: &u8| !routes.contains(&format!("10.{net}."));
    let found = NETS.cycle().skip(own.into()).take(NETS.len()).find(is_free);
    found.ok_or_else(|| "every network 10.64.0.0/16 to 10.191.0.0/16 is in use here".to_owned())
}

/// Takes away what processes have left that are no more.
fn remove_stale() {
    let names = output(&["netns", "list"]).unwrap_or_default() + &output(&["-brief", "link"]).unwrap_or_default();
    let pid_of = |name: &str| {
        let digits = name
            .strip_prefix(PREFIX)?
            .split(|letter: char| !letter.is_ascii_digit());
        digits.into_iter().next()?.parse().ok()
    };
    let mut pids: Vec<u32> = names.split_whitespace().filter_map(pid_of).collect();
    pids.dedup();
    for pid in pids {
        if !Path::new(&format!("/proc/{pid}")).exists() {
            remove(pid);
        }
    }
}

/// Takes away everything of one process. Lines end with their namespaces, or are deleted by name.
fn remove(pid: u32) {
    let namespaces = output(&["netns", "list"]).unwrap_or_default();
    let of_pid = format!("{PREFIX}{pid}-");
    for name in namespaces.split_whitespace().filter(|word| word.starts_with(&of_pid)) {
        let _ = ip(&["netns", "del", name]);
    }
    let links = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let own = format!("{PREFIX}{pid}");
    for link in links.filter_map(|entry| entry.file_name().into_string().ok()) {
        let rest = link.strip_prefix(&own);
        if rest.is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_lowercase())) {
            let _ = ip(&["link", "del", &link]);
        }
    }
}

fn ip(words: &[&str]) -> Result<(), String> {
    output(words).map(drop)
}

fn output(words: &[&str]) -> Result<String, String> {
    let failed = |why: &str| format!("`ip {}`: {why}", words.join(" "));
    let output = Command::new("ip").args(words).output();
    let output = output.map_err(|error| failed(&error.to_string()))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(failed(String::from_utf8_lossy(&output.stderr).trim())),
    }
}

//! Who asks how much? Every caller by its address: its connections, its requests under way and what they cost.
//!
//! Asked by the server when a connection comes, by the gate when a request comes, and by the turns when work waits. What
//! [`CallerLimits`] says holds for each caller alone; callers from trusted networks are counted and not limited. Bounded:
//! callers that are not connected and owe nothing are forgotten.

mod bucket;
mod connection;
mod net;

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use thiserror::Error;

pub use bucket::Allowance;
pub(super) use connection::{CallGuard, Connection, ConnectionSlot};
pub use net::{CallerId, Net};

use bucket::Bucket;

/// Callers that are remembered. Those that are not connected and owe nothing go first; if that does not help, all that are
/// not connected go. Bounds the memory that a caller with many addresses can take to some ten megabytes.
const CALLERS_MAX: usize = 64 << 10;

/// What one caller may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerLimits {
    /// Connections at once.
    pub connections: u32,
    /// Requests under way at once, each until its answer is sent.
    pub requests: u32,
    /// What its requests may cost.
    pub allowance: Allowance,
}

/// All callers.
#[derive(Debug)]
pub(super) struct Callers {
    limits: CallerLimits,
    trusted: Vec<Net>,
    proxies: Vec<Net>,
    connections_max: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    callers: HashMap<CallerId, Arc<Caller>>,
    connections: BTreeMap<u64, Weak<Connection>>,
    last: u64,
}

/// One caller. Its clones are one.
#[derive(Debug)]
pub(super) struct Caller {
    id: CallerId,
    /// `None` for trusted callers.
    limits: Option<CallerLimits>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bucket: Bucket,
    connections: u32,
    requests: u32,
}

/// Why a caller is not served now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Denied {
    /// It has asked for as much as it may; something is left again after this time.
    #[error("rate limit exceeded: this address has asked for more than its share; wait {} ms", .0.as_millis())]
    Spent(Duration),
    /// So many of its requests are under way.
    #[error("too many requests at once: {0} of this address are under way; wait for their answers")]
    Requests(u32),
}

impl Denied {
    /// Its name in the metrics.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::Spent(_) => "rate",
            Self::Requests(_) => "requests",
        }
    }

    /// When asking again may help, if that is known.
    pub(super) const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Spent(wait) => Some(*wait),
            Self::Requests(_) => None,
        }
    }
}

impl Callers {
    pub(super) fn new(limits: CallerLimits, trusted: Vec<Net>, proxies: Vec<Net>, connections_max: usize) -> Self {
        Self {
            limits,
            trusted,
            proxies,
            connections_max,
            table: Mutex::default(),
        }
    }

    /// Whether `address` is a proxy, which says for whom it asks.
    pub(super) fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| proxy.contains(address))
    }

    /// The caller that a proxy forwarded a request for, as its headers say.
    pub(super) fn forwarded<'a>(&self, headers: impl DoubleEndedIterator<Item = &'a str>) -> Option<Arc<Caller>> {
        net::forwarded(headers, &self.proxies).map(|address| self.caller(address, Instant::now()))
    }

    /// The caller at `address`.
    pub(super) fn caller(&self, address: IpAddr, now: Instant) -> Arc<Caller> {
        let id = CallerId::of(address);
        let mut table = self.table.lock();
        if let Some(caller) = table.callers.get(&id) {
            return Arc::clone(caller);
        }
        if table.callers.len() >= CALLERS_MAX {
            table
                .callers
                .retain(|_, caller| Arc::strong_count(caller) > 1 || !caller.owes_nothing(now));
        }
        if table.callers.len() >= CALLERS_MAX {
            table.callers.retain(|_, caller| Arc::strong_count(caller) > 1);
        }
        let is_trusted = self.trusted.iter().any(|net| net.contains(address));
        let caller = Arc::new(Caller {
            id,
            limits: (!is_trusted).then_some(self.limits),
            state: Mutex::new(State {
                bucket: Bucket::full(self.limits.allowance, now),
                connections: 0,
                requests: 0,
            }),
        });
        table.callers.insert(id, Arc::clone(&caller));
        caller
    }

    /// Room for a connection from `address`; none if its caller has as many as it may. When all room is taken, the caller
    /// with the most connections loses its oldest one to a caller with fewer.
    pub(super) fn connect(&self, address: IpAddr, now: Instant) -> Option<ConnectionSlot> {
        let caller = self.caller(address, now);
        let counts_alone = !self.is_proxy(address);
        let most = caller.limits.map_or(u32::MAX, |limits| limits.connections);
        let mut table = self.table.lock();
        let own = {
            let mut state = caller.state.lock();
            if counts_alone && state.connections >= most {
                return None;
            }
            state.connections += 1;
            state.connections
        };
        if table.connections.len() >= self.connections_max && !table.make_room(own) {
            caller.state.lock().connections -= 1;
            return None;
        }
        table.last += 1;
        let (key, connection) = (table.last, Arc::new(Connection::new(caller, address)));
        table.connections.insert(key, Arc::downgrade(&connection));
        drop(table);
        Some(ConnectionSlot::new(key, connection))
    }

    /// The end of a connection.
    pub(super) fn disconnect(&self, slot: &ConnectionSlot) {
        self.table.lock().connections.remove(&slot.key());
        slot.connection().caller().state.lock().connections -= 1;
    }
}

impl Table {
    /// Ends the oldest connection of the caller that has the most, if those are more than a newcomer would have with its own.
    fn make_room(&mut self, newcomer_has: u32) -> bool {
        let mut most: Option<(u32, u64, Arc<Connection>)> = None;
        for (key, connection) in &self.connections {
            let Some(connection) = connection.upgrade().filter(|connection| !connection.is_ended()) else {
                continue;
            };
            let has = connection.caller().state.lock().connections;
            if most.as_ref().is_none_or(|(most, ..)| has > *most) {
                most = Some((has, *key, connection));
            }
        }
        let Some((_, key, connection)) = most.filter(|(has, ..)| *has > newcomer_has) else {
            return false;
        };
        connection.end();
        self.connections.remove(&key);
        true
    }
}

impl Caller {
    /// Its address or network.
    pub(super) const fn id(&self) -> CallerId {
        self.id
    }

    /// Whether limits hold for it.
    pub(super) const fn is_limited(&self) -> bool {
        self.limits.is_some()
    }

    /// Takes `units` for a request, if the caller may ask at all.
    ///
    /// # Errors
    /// [`Denied::Spent`].
    pub(super) fn pay(&self, units: u32, now: Instant) -> Result<(), Denied> {
        if let Some(limits) = self.limits {
            let mut state = self.state.lock();
            state.bucket.take(units, limits.allowance, now).map_err(Denied::Spent)?;
        }
        Ok(())
    }

    /// Takes `units` for what a request turned out to cost.
    pub(super) fn charge(&self, units: u32) {
        if let Some(limits) = self.limits {
            self.state.lock().bucket.charge(units, limits.allowance);
        }
    }

    /// How long until it may ask again; none if it may.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let limits = self.limits?;
        self.state.lock().bucket.wait(limits.allowance, now)
    }

    /// Room for a request.
    ///
    /// # Errors
    /// [`Denied`] if it has asked for as much as it may, or has as many under way.
    pub(super) fn request(self: &Arc<Self>, units: u32, now: Instant) -> Result<RequestSlot, Denied> {
        let mut state = self.state.lock();
        if let Some(limits) = self.limits {
            if state.requests >= limits.requests {
                return Err(Denied::Requests(limits.requests));
            }
            state.bucket.take(units, limits.allowance, now).map_err(Denied::Spent)?;
        }
        state.requests += 1;
        drop(state);
        Ok(RequestSlot {
            caller: Arc::clone(self),
        })
    }

    /// As [`Self::wait`], for a caller that owes more than a burst: one that owes less has been let in and may finish.
    pub(super) fn overdrawn(&self, now: Instant) -> Option<Duration> {
        let limits = self.limits?;
        let burst = u64::from(limits.allowance.burst) * 1000;
        (self.used(now) > 2 * burst).then(|| self.wait(now)).flatten()
    }

    /// What it has had lately, in thousandths of a unit; nothing for a trusted caller. Whoever has had less goes first where
    /// requests wait for their turn.
    pub(super) fn used(&self, now: Instant) -> u64 {
        self.limits
            .map_or(0, |limits| self.state.lock().bucket.used(limits.allowance, now))
    }

    fn owes_nothing(&self, now: Instant) -> bool {
        self.used(now) == 0
    }
}

/// Room for one request, given back when dropped.
#[derive(Debug)]
pub(super) struct RequestSlot {
    caller: Arc<Caller>,
}

impl Drop for RequestSlot {
    fn drop(&mut self) {
        self.caller.state.lock().requests -= 1;
    }
}

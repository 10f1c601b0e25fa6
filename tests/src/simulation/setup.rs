//! What is a run made of, and what is expected of it?

use std::fmt;

use ledger_mutants::rules::Mutant;

use super::keys::Signatures;

/// What the bad authorities of a run do with their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Keeps every rule.
    Honest,
    /// Runs a second honest process with the same key and another disk.
    Twin,
    /// Proposes two blocks to two halves, and votes for every block it hears of.
    Equivocating,
    /// Withholds proposals and votes, from all or from some.
    Silent,
    /// Votes as it should, and lies besides: forged, invalid, stale and absurd messages.
    Lying,
    /// Forgets its lock, and votes against it.
    Amnesiac,
    /// As [`Role::Amnesiac`], and states a certificate that does not exist to excuse it.
    Excusing,
}

impl Role {
    /// Does it act by itself, without being asked to?
    pub fn makes_mischief(self) -> bool {
        matches!(self, Self::Lying | Self::Amnesiac | Self::Excusing)
    }
}

/// A rule that the driver of an honest engine breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DriverMutant {
    /// After a restart, lock and certificate are forgotten.
    ForgetsLock,
    /// Signatures leave before their record is durable (R7).
    SignsFirst,
    /// A lost guard record is taken for a fresh one (R8).
    LostGuardSpeaks,
    /// The next set is not looked at when a block is executed (R10).
    SetsNotChecked,
}

/// A rule broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// In the engine.
    Engine(Mutant),
    /// In its driver.
    Driver(DriverMutant),
}

/// How the set of validators changes, one change per block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetChanges {
    /// It does not.
    Never,
    /// Somebody joins, the last of the first ones leaves and comes back, with blocks in between.
    Spread,
    /// In seven blocks that follow each other two join, the last two of the first ones leave and come back, and one of those
    /// who joined leaves.
    InARow,
}

impl SetChanges {
    /// Validators that join and were not there at the start.
    pub const fn newcomers(self) -> usize {
        match self {
            Self::Never => 0,
            Self::Spread => 1,
            Self::InARow => 2,
        }
    }
}

/// How the network is cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cuts {
    /// Each node falls into one of up to three parts.
    Random,
    /// Two halves.
    Halves,
    /// `f` nodes against the others.
    FewFromMany,
}

/// What messages suffer until calm begins. Percentages are of messages, or of slots where it says so.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Longest delay of a message that is in time.
    pub delay_ms: u64,
    /// Messages that take up to two slots.
    pub late_percent: u64,
    /// Messages that are lost.
    pub drop_percent: u64,
    /// Messages that come twice.
    pub duplicate_percent: u64,
    /// Slots in which the network is cut anew, or healed.
    pub cut_percent: u64,
    /// How it is cut.
    pub cuts: Cuts,
}

impl Network {
    /// Within the bounds of R1: nothing is lost, and nothing takes longer than a quarter of a slot.
    pub const BOUNDED: Self = Self {
        delay_ms: 220,
        late_percent: 0,
        drop_percent: 0,
        duplicate_percent: 2,
        cut_percent: 0,
        cuts: Cuts::Random,
    };
    /// Beyond them.
    pub const BAD: Self = Self {
        delay_ms: 220,
        late_percent: 10,
        drop_percent: 8,
        duplicate_percent: 5,
        cut_percent: 20,
        cuts: Cuts::Random,
    };
}

/// What processes, disks and clocks suffer until calm begins. Percentages are per node and slot.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Processes killed between two effects.
    pub crash_percent: u64,
    /// How long they stay down at most.
    pub down_slots_max: u64,
    /// May one guard record at a time be lost with its process?
    pub loses_guards: bool,
    /// Guard records that are slow to be stored, of all.
    pub slow_store_percent: u64,
    /// How often, per block, whoever commits first is cut off from the others just then, and they die.
    pub ambush_percent: u64,
    /// Clocks that jump by up to three slots.
    pub clock_percent: u64,
}

impl Faults {
    /// Nothing breaks.
    pub const NONE: Self = Self {
        crash_percent: 0,
        down_slots_max: 4,
        loses_guards: false,
        slow_store_percent: 5,
        ambush_percent: 0,
        clock_percent: 0,
    };
    /// Everything does now and then.
    pub const MANY: Self = Self {
        crash_percent: 4,
        slow_store_percent: 20,
        ambush_percent: 4,
        clock_percent: 1,
        ..Self::NONE
    };
}

/// What a run must show, besides that no honest validator is ever accused, contradicts itself or is blamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// With at most `f` faulty and a network within bounds: no fork, and the bound on gaps.
    Steady {
        /// Most slots from one final block to the next.
        gap_max: u64,
    },
    /// With at most `f` faulty, whatever the network does: no fork, and blocks for every node once there is calm.
    Recovers,
    /// With more than `f` bad: if there is a fork, `2q - n` validators are proven to be bad.
    Accounts,
}

/// What a run is made of. The same setup and seed give the same run.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// What people call it.
    pub name: &'static str,
    /// Validators at the start.
    pub validators: usize,
    /// What the bad ones do.
    pub role: Role,
    /// How many are bad: the first ones, whose slots follow each other.
    pub bad: usize,
    /// How many of the others never start.
    pub dead: usize,
    /// What messages suffer.
    pub network: Network,
    /// What processes, disks and clocks suffer.
    pub faults: Faults,
    /// How the set changes.
    pub set_changes: SetChanges,
    /// Do blocks jail whoever is proven to be bad?
    pub jails: bool,
    /// The broken rule, if there is one.
    pub broken: Option<Broken>,
    /// How statements are signed.
    pub signatures: Signatures,
    /// Slots of chaos, and of calm after it.
    pub chaos_slots: u64,
    /// Slots of calm.
    pub calm_slots: u64,
    /// The effect, counted over the whole run, at which the last validator dies.
    pub dies_at: Option<u64>,
    /// What it must show.
    pub promise: Promise,
}

/// Blocks that calm must bring to every honest node that is up.
pub const CALM_BLOCKS_MIN: u64 = 4;

impl Setup {
    /// Validators, a network within bounds, and nobody faulty.
    pub const fn steady(name: &'static str, validators: usize) -> Self {
        Self {
            name,
            validators,
            role: Role::Honest,
            bad: 0,
            dead: 0,
            network: Network::BOUNDED,
            faults: Faults::NONE,
            set_changes: SetChanges::Never,
            jails: false,
            broken: None,
            signatures: Signatures::Ideal,
            chaos_slots: whole_turns(validators),
            calm_slots: 0,
            dies_at: None,
            promise: Promise::Steady { gap_max: 1 },
        }
    }

    /// Validators in chaos, then calm.
    pub const fn chaos(name: &'static str, validators: usize) -> Self {
        Self {
            network: Network::BAD,
            faults: Faults::MANY,
            chaos_slots: 14,
            calm_slots: calm_slots(validators),
            promise: Promise::Recovers,
            ..Self::steady(name, validators)
        }
    }

    /// With this rule broken.
    pub const fn breaking(self, broken: Broken) -> Self {
        Self {
            broken: Some(broken),
            ..self
        }
    }

    /// `q`, of the first set.
    pub const fn quorum(&self) -> usize {
        2 * self.validators / 3 + 1
    }

    /// `f`, of the first set.
    pub const fn tolerated(&self) -> usize {
        self.validators - self.quorum()
    }

    /// Processes: one for each validator and for those who join, and the twins.
    pub fn nodes(&self) -> usize {
        self.validators + self.set_changes.newcomers() + self.twins()
    }

    /// Second processes under a key.
    pub fn twins(&self) -> usize {
        if self.role == Role::Twin { self.bad } else { 0 }
    }
}

/// A run within bounds lasts a whole number of turns, so that shares of slots can be compared.
const fn whole_turns(validators: usize) -> u64 {
    let turns = if validators > 7 { 2 } else { 28 / validators };
    (turns * validators) as u64
}

/// Calm has to last until every honest node has got its blocks though `f` in a row propose nothing.
const fn calm_slots(validators: usize) -> u64 {
    12 + validators as u64 / 2
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n = {}, {}", self.validators, self.name)
    }
}

//! The faults, by name. Each is a function that strikes and makes an end of it; what follows is the campaign's work.

mod cut;
mod disk;
mod flood;
mod hostile;
mod processes;
mod signing;
mod strangers;

use super::campaign::{Campaign, Told};

/// Slots that a fault of one validator may cost in a row: its own, one that fails around it, and what a busy machine misses.
const ONE_FAILS: Option<f64> = Some(8.0);

/// One fault.
#[derive(Debug)]
pub struct Fault {
    /// What it is called.
    pub name: &'static str,
    /// What is done.
    pub done: &'static str,
    /// What it needs of the machine.
    pub needs: Needs,
    /// The longest stand-still that is right; none where a quorum is missing on purpose.
    pub still_slots_max: Option<f64>,
    /// Does it.
    pub strike: fn(&mut Campaign) -> Result<Told, String>,
}

/// What a fault needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A network that can be cut.
    Namespaces,
}

const fn fault(
    name: &'static str,
    done: &'static str,
    still_slots_max: Option<f64>,
    strike: fn(&mut Campaign) -> Result<Told, String>,
) -> Fault {
    Fault {
        name,
        done,
        needs: Needs::Nothing,
        still_slots_max,
        strike,
    }
}

const fn with(needs: Needs, fault: Fault) -> Fault {
    Fault { needs, ..fault }
}

static ALL: &[Fault] = &[
    fault("calm", "nothing, for comparison", ONE_FAILS, |campaign| {
        campaign.last().map(|()| Told::default())
    }),
    fault(
        "kill",
        "SIGKILL of each validator in turn; started again a few slots later",
        ONE_FAILS,
        processes::kill,
    ),
    fault(
        "kill-all",
        "SIGKILL of all nodes at once; all started again",
        None,
        processes::kill_all,
    ),
    fault(
        "stop-1",
        "SIGSTOP of one validator, then SIGCONT",
        ONE_FAILS,
        processes::stop_one,
    ),
    fault(
        "stop-2",
        "SIGSTOP of two validators: no quorum; then SIGCONT",
        None,
        processes::stop_two,
    ),
    with(
        Needs::Namespaces,
        fault(
            "cut-3-1",
            "one validator cut off from all others; then healed",
            ONE_FAILS,
            cut::three_one,
        ),
    ),
    with(
        Needs::Namespaces,
        fault(
            "cut-2-2",
            "two validators on each side: no quorum; then healed",
            None,
            cut::two_two,
        ),
    ),
    fault(
        "clock",
        "one validator's clock 2 s ahead; then right again",
        ONE_FAILS,
        signing::clock,
    ),
    fault(
        "guard",
        "one validator's guard store deleted while it is down",
        ONE_FAILS,
        signing::guard_lost,
    ),
    fault(
        "disk",
        "the disk of one validator full; then there is room again",
        ONE_FAILS,
        disk::full,
    ),
    fault(
        "genesis",
        "a node of another genesis at all validators' doors",
        ONE_FAILS,
        strangers::other_genesis,
    ),
    fault(
        "garbage",
        "garbage over TCP and QUIC from many connections",
        ONE_FAILS,
        strangers::garbage,
    ),
    fault(
        "gossip",
        "a peer that gossips invalid transactions and votes",
        ONE_FAILS,
        hostile::gossip,
    ),
    fault(
        "flood",
        "free valid transactions of fresh accounts at every node",
        ONE_FAILS,
        flood::free,
    ),
];

/// The names of all faults.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|fault| fault.name).collect()
}

/// Those that are named; all, if none is.
///
/// # Errors
/// A name that is none.
pub fn chosen(only: &[String]) -> Result<Vec<&'static Fault>, String> {
    if let Some(unknown) = only.iter().find(|name| !names().contains(&name.as_str())) {
        return Err(format!(
            "there is no fault `{unknown}`; say one of {}",
            names().join(", ")
        ));
    }
    let is_chosen = |fault: &&Fault| only.is_empty() || only.iter().any(|name| name == fault.name);
    Ok(ALL.iter().filter(is_chosen).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_chosen_by_name_and_unknown_names_are_refused_with_those_there_are() {
        let chosen_names = |only: &[&str]| {
            let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
            chosen(&only).map(|faults| faults.iter().map(|fault| fault.name).collect::<Vec<_>>())
        };
        assert_eq!(chosen_names(&[]), Ok(names()));
        assert_eq!(chosen_names(&["flood", "kill"]), Ok(vec!["kill", "flood"]));
        let error = chosen_names(&["kil"]).expect_err("no such fault");
        assert!(error.contains("`kil`") && error.contains("cut-2-2"), "{error}");
    }
}

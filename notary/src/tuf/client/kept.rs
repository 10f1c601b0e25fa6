//! Which documents does a verifier keep, and which one goes when there are too many?
//!
//! Those of the four roles stay. Those of delegated roles spare a request and prove nothing (what may not go back is in the snapshot),
//! so they share a bound: whoever signs names of roles that nobody has seen pushes others out and fills no disk. Called by the
//! verifier, which tells its caller of everything that comes and goes.

use std::collections::BTreeMap;

use crate::tuf::{
    limits::{DELEGATED_BYTES_MAX, DELEGATED_MAX},
    names::RoleName,
};

/// The bytes of each role's document.
#[derive(Debug)]
pub(super) struct Kept(BTreeMap<RoleName, Vec<u8>>);

impl Kept {
    pub(super) fn new(stored: BTreeMap<RoleName, Vec<u8>>) -> Self {
        Self(stored)
    }

    pub(super) fn get(&self, role: &RoleName) -> Option<&[u8]> {
        self.0.get(role).map(Vec::as_slice)
    }

    /// Keeps a document in place of the role's one before; gives the roles whose documents had to make room for it.
    pub(super) fn put(&mut self, role: RoleName, bytes: Vec<u8>) -> Vec<RoleName> {
        self.0.remove(&role);
        let mut gone = Vec::new();
        if !role.is_top_level() {
            let (mut count, mut sum) = (1, bytes.len() as u64);
            for (_, other) in self.delegated() {
                count += 1;
                sum += other.len() as u64;
            }
            for (other, bytes) in self.delegated() {
                if count <= DELEGATED_MAX && sum <= DELEGATED_BYTES_MAX {
                    break;
                }
                count -= 1;
                sum -= bytes.len() as u64;
                gone.push(other.clone());
            }
        }
        for other in &gone {
            self.0.remove(other);
        }
        self.0.insert(role, bytes);
        gone
    }

    /// Whether there was a document to forget.
    pub(super) fn forget(&mut self, role: &RoleName) -> bool {
        self.0.remove(role).is_some()
    }

    /// Forgets all delegated roles but these; gives those that had a document.
    pub(super) fn forget_delegated_but(&mut self, stays: impl Fn(&RoleName) -> bool) -> Vec<RoleName> {
        let gone: Vec<_> = self.delegated().map(|(role, _)| role.clone()).collect();
        let gone: Vec<_> = gone.into_iter().filter(|role| !stays(role)).collect();
        self.0.retain(|role, _| !gone.contains(role));
        gone
    }

    fn delegated(&self) -> impl Iterator<Item = (&RoleName, &Vec<u8>)> {
        self.0.iter().filter(|(role, _)| !role.is_top_level())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> RoleName {
        name.to_owned().try_into().unwrap()
    }

    fn half() -> Vec<u8> {
        vec![0; usize::try_from(DELEGATED_BYTES_MAX / 2).unwrap()]
    }

    #[test]
    fn delegated_roles_make_room_for_each_other_and_the_four_for_nobody() {
        let mut kept = Kept::new(BTreeMap::new());
        for top in ["targets", "snapshot"] {
            assert_eq!(kept.put(role(top), half()), []);
        }
        assert_eq!(kept.put(role("a"), half()), []);
        assert_eq!(kept.put(role("b"), half()), [], "exactly the bound");
        assert_eq!(kept.put(role("b"), half()), [], "in its own place");
        assert_eq!(kept.put(role("c"), vec![0]), [role("a")]);
        assert_eq!(kept.put(role("a"), half()), [role("b")]);
        assert!(kept.get(&role("targets")).is_some() && kept.get(&role("b")).is_none());
    }

    #[test]
    fn many_small_documents_are_too_many_as_well() {
        let mut kept = Kept::new(BTreeMap::new());
        let gone = (0..=DELEGATED_MAX).flat_map(|number| kept.put(role(&format!("r{number:04}")), Vec::new()));
        assert_eq!(gone.collect::<Vec<_>>(), [role("r0000")]);
    }

    #[test]
    fn what_is_not_named_any_more_is_forgotten() {
        let mut kept = Kept::new(BTreeMap::new());
        for name in ["targets", "a", "b"] {
            kept.put(role(name), Vec::new());
        }
        assert_eq!(kept.forget_delegated_but(|name| *name == role("b")), [role("a")]);
        assert!(!kept.forget(&role("a")) && kept.forget(&role("b")) && kept.forget(&role("targets")));
    }
}

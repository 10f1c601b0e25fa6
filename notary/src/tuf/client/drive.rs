//! Who carries out what the verifier asks for? The loop around it, for whoever can fetch one file after the other.

use super::{Answer, Effect, Next, Only, Outcome, Request, Settings, Stored, Target, UpdateError, Verifier};
use crate::tuf::names::{RoleName, TargetPath};

/// Where files come from, and where they are kept.
pub trait World {
    /// What can go wrong there.
    type Error: From<UpdateError>;

    /// Fetches a file; reads no more than one byte beyond the request's bound.
    ///
    /// # Errors
    /// If it cannot be said whether there is such a file.
    fn fetch(&mut self, request: &Request) -> Result<Answer, Self::Error>;

    /// Keeps the document of a role for good.
    ///
    /// # Errors
    /// If it may be lost.
    fn keep(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Forgets the document of a role for good.
    ///
    /// # Errors
    /// If it may come back.
    fn forget(&mut self, role: &RoleName) -> Result<(), Self::Error>;
}

/// Brings the four roles up to date (TUF 5.1 to 5.6.6).
///
/// # Errors
/// The first reason why not; what was kept until then is good.
pub fn refresh<W: World>(stored: Stored, settings: Settings, world: &mut W) -> Result<Verifier, W::Error> {
    let (mut verifier, request) = Verifier::start(stored, settings)?;
    let outcome = verifier.answer(world.fetch(&request)?);
    run(&mut verifier, outcome, world)?;
    Ok(verifier)
}

/// Finds who vouches for a path (TUF 5.6.7).
///
/// # Errors
/// If nobody does, or somebody on the way cannot be believed.
pub fn find<W: World>(verifier: &mut Verifier, path: TargetPath, world: &mut W) -> Result<Target, W::Error> {
    let outcome = verifier.find(path);
    end_search(verifier, outcome, world)
}

/// Finds whether the top or this one role that it delegates to vouches for a path, and asks nobody else.
///
/// # Errors
/// If neither does, or the role cannot be believed.
pub fn find_only<W: World>(
    verifier: &mut Verifier,
    path: TargetPath,
    only: Only,
    world: &mut W,
) -> Result<Target, W::Error> {
    let outcome = verifier.find_only(path, only);
    end_search(verifier, outcome, world)
}

/// Forgets the roles that the top itself does not delegate to.
///
/// # Errors
/// If one of them may come back.
pub fn forget_undelegated<W: World>(verifier: &mut Verifier, world: &mut W) -> Result<(), W::Error> {
    let outcome = verifier.forget_undelegated();
    run(verifier, outcome, world).map(|_| ())
}

fn end_search<W: World>(verifier: &mut Verifier, outcome: Outcome, world: &mut W) -> Result<Target, W::Error> {
    let found = run(verifier, outcome, world)?;
    Ok(found.expect("a search ends with a target or an error"))
}

fn run<W: World>(verifier: &mut Verifier, mut outcome: Outcome, world: &mut W) -> Result<Option<Target>, W::Error> {
    loop {
        for effect in outcome.effects {
            match effect {
                Effect::Keep { role, bytes } => world.keep(&role, &bytes)?,
                Effect::Forget(role) => world.forget(&role)?,
            }
        }
        let request = match outcome.next? {
            Next::Fetch(request) => request,
            Next::Refreshed => return Ok(None),
            Next::Found(target) => return Ok(Some(target)),
        };
        outcome = verifier.answer(world.fetch(&request)?);
    }
}

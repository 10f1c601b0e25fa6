//! Tests of `passport` that need no node: the command as a process, and its pure parts.
//! With a node: the whole-system tests.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod authorization;
mod kit;
mod output;
mod plan;
mod process;
mod wallet;

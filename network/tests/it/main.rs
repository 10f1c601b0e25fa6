//! Do real hosts on 127.0.0.1 find each other, talk, and defend themselves?
#![allow(clippy::unwrap_used, reason = "a test may unwrap: its panic is its message")]

mod defence;
mod discovery;
mod gossip;
mod house;
mod requests;
mod stranger;
mod wire;

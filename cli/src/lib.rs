//! The library behind `passport`, the command of users and clouds, and behind `ledger-node validator`, which is for
//! validators.
//!
//! The reader's path: [`args`] is what can be asked, [`commands`] what is done about it, [`plan`] what a transaction must
//! say (pure), [`client`] the talk with the node, [`output`] what is shown, [`error`] what can go wrong; [`validator`] has
//! the same parts for its own commands.
//! It knows a node by its JSON-RPC alone, and keys by the wallet folder alone.

pub mod args;
pub mod authorization;
pub mod client;
pub mod commands;
pub mod error;
pub mod output;
pub mod plan;
pub mod time;
pub mod validator;
pub mod wallet;

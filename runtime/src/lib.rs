//! Which block comes of these transactions, and what is the state after it? For now the second half: state and storage.

pub mod state;
pub mod store;

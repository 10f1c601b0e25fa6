//! Does the notary's desk take what it should, refuse what it should in words, and publish nothing that a reader would refuse?

mod group;
mod kit;
mod life;
mod members;
mod online;
mod orders;
mod properties;
mod root;

//! The tests of the chainspec crate that do not fit beside their code, in one binary.

mod block;
mod certificate;
mod dev_keys;

mod passport_code;
mod spec;
mod statement;
mod support;
mod validators;

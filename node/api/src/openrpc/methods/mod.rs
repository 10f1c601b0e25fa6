//! The table that the OpenRPC document is made of: every method, its parameters, its result.
//!
//! A test reads the traits and fails where the table says something else.

mod chain;
mod node;

use super::{Method, Parameter, Shape};

const fn needed(name: &'static str, shape: Shape) -> Parameter {
    Parameter {
        name,
        shape,
        required: true,
    }
}

const fn optional(name: &'static str, shape: Shape) -> Parameter {
    Parameter {
        name,
        shape,
        required: false,
    }
}

const fn method(name: &'static str, summary: &'static str, parameters: &'static [Parameter], result: Shape) -> Method {
    Method {
        name,
        summary,
        parameters,
        result,
    }
}

/// Every method, in the order of the traits.
pub const METHODS: &[Method] = &joined::<{ chain::METHODS.len() + node::METHODS.len() }>();

const fn joined<const ALL: usize>() -> [Method; ALL] {
    let mut all = [chain::METHODS[0]; ALL];
    let mut index = 0;
    while index < ALL {
        all[index] = match index.checked_sub(chain::METHODS.len()) {
            Some(index) => node::METHODS[index],
            None => chain::METHODS[index],
        };
        index += 1;
    }
    all
}

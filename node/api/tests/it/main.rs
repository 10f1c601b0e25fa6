//! Do the OpenRPC document, the traits and the types say the same?

mod document;
mod source;
mod wire;

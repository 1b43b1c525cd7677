//! IPFIX: ended connections as other tools collect them (RFC 7011), both directions in one record (RFC 5103), with what
//! translation made of them (RFC 8158). Writing only.
//!
//! A record of a connection without translation, ports or a known beginning lacks those fields, rather than say
//! something that is not so: each [`Shape`] has a template.

mod element;
mod message;
mod shape;

pub use message::{MAX_MESSAGE_BYTES, Message, Session};
use shape::Shape;

#[cfg(test)]
mod tests;

//! The built gateway between a real TLS client and a fake engine on a Unix socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod certificate;
mod client;
mod engine;
mod forwarding;
mod gateway;
mod lifecycle;
mod limits;
mod streaming;

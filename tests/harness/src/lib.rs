//! Namespaces, packets and processes for tests. Everything made here goes away when it is dropped; what a killed
//! run left behind goes away when the next one starts. A helper that cannot do its job panics and says why: a test
//! has nothing better to do with an error.

mod binaries;
mod crossing;
mod dns;
mod gateway;
mod http;
mod lab;
mod namespace;
pub mod packet;
mod process;
mod raveld;
mod require;
mod run_dir;
mod traffic;
mod wait;
mod wire;
mod xdp_pass;

pub use binaries::binary;
pub use crossing::{Crossing, address};
pub use dns::{Answer as DnsAnswer, Dnsmasq, Question};
pub use gateway::Gateway;
pub use http::{Answer, Client, Connection, EventStream, Request, ServerEvent};
pub use lab::{Cable, Lab, Link};
pub use namespace::Namespace;
pub use process::Process;
pub use raveld::{Raveld, Setup};
pub use require::privileged;
pub use run_dir::RunDir;
pub use traffic::{Flood, Sink, send_udp};
pub use wait::{eventually, wait_until};
pub use wire::{Place, Received, Wire};

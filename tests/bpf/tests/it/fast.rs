//! The fast path of XDP: what it forwards and how, and what it leaves to the kernel.

mod conditions;
mod counting;
mod differential;
mod forwarding;
mod learning;
mod lifetime;
mod lookups;
mod racing;
mod reference;
mod road;
mod sockets;

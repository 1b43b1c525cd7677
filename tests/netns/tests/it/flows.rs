//! Connections that live: what conntrack knows of them, the flow cache holds, XDP forwards and the policy says.

mod api;
mod commits;
mod counters;
mod fast_path;
mod ground;
mod hardware;
mod inherit;
mod kill;
mod next_hop;
mod overrun;
mod pressure;
mod resizing;
mod restart;
mod slow_way;
mod tuning;
mod wires;

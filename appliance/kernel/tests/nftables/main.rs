//! The table of nftables in network namespaces of our own. Needs root.

mod support;
mod transaction;

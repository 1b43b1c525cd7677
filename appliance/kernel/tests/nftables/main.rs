//! The table of nftables in network namespaces of our own. Needs root.

mod logging;
mod privileges;
mod support;
mod transaction;

//! Network cards asked and changed, and what is told of them compared with what ethtool(8) prints. Needs root.

mod emulated;
mod namespace;
mod support;

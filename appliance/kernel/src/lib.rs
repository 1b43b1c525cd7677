//! Netlink: links, addresses and their changes.

//! Bytes to values and back. Pure: nothing here opens or waits, and no input makes it panic.

pub mod community_id;
pub mod dns_name;
pub mod ipfix;
pub mod list_text;

#[cfg(test)]
mod random;

//! Lines of address lists.

use std::net::IpAddr;

use ipnet::IpNet;
use ravelin_model::{AddressEntry, EntryValue};

use super::{Invalid, Refused, domain};

pub(super) fn parse(text: &str) -> Result<EntryValue, Refused> {
    if let Some(network) = network(text) {
        return Ok(EntryValue::Address(AddressEntry {
            network: network.trunc(),
            expires_at: None,
        }));
    }
    if let Some((first, last)) = text.split_once('-')
        && network(first.trim_end()).is_some()
        && network(last.trim_start()).is_some()
    {
        return Err(Invalid::AddressRange.into());
    }
    if let Some((first, _)) = text.split_once(char::is_whitespace)
        && network(first).is_some()
    {
        return Err(Invalid::TrailingText.into());
    }
    if domain::parse(text).is_ok() {
        return Err(Invalid::NameInAddressList.into());
    }
    Err(Invalid::NotAnAddress.into())
}

/// An address alone is a prefix of full length.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

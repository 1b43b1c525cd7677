//! Leases dnsmasq gave, as it keeps them: a line each of expiry, Ethernet address, address, name and client id.

use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::dnsmasq::LEASES;

/// Most of the file that is read: 4 MiB are 50,000 leases.
const LIMIT: u64 = 4 << 20;

/// An address that is given away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// Who has it.
    pub holder: LeaseHolder,
    /// Until when, in seconds of Unix time.
    pub expires_at_seconds: i64,
}

/// Who has a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseHolder {
    /// Its Ethernet address, as dnsmasq prints it.
    pub mac: String,
    /// What it calls itself; what is not printable ASCII is escaped.
    #[serde(default)]
    pub hostname: Option<String>,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leases {
    /// By address.
    pub leases: Vec<Lease>,
}

/// The leases of this appliance.
pub fn leases() -> io::Result<Leases> {
    read_leases(Path::new(LEASES))
}

/// The leases of the file; there are none before dnsmasq first ran.
pub fn read_leases(path: &Path) -> io::Result<Leases> {
    let mut text = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(LIMIT).read_to_end(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(parse(&text))
}

fn parse(text: &[u8]) -> Leases {
    let lines = text.split(|byte| *byte == b'\n');
    let mut leases: Vec<Lease> = lines.filter_map(lease).collect();
    leases.sort_by_key(|lease| lease.address);
    Leases { leases }
}

/// None: of IPv6, or cut off.
fn lease(line: &[u8]) -> Option<Lease> {
    let mut parts = line.split(|byte| *byte == b' ');
    let mut text = || parts.next().and_then(|part| str::from_utf8(part).ok());
    let expires_at_seconds = text()?.parse().ok()?;
    let mac = text()?;
    let address = text()?.parse().ok()?;
    let is_mac = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'-');
    if mac.is_empty() || !mac.bytes().all(is_mac) {
        return None;
    }
    let hostname = parts.next()?;
    // Cut off within the name, were there nothing behind it.
    parts.next()?;
    Some(Lease {
        address,
        holder: LeaseHolder {
            mac: mac.to_owned(),
            hostname: (hostname != b"*").then(|| hostname.escape_ascii().to_string()),
        },
        expires_at_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dnsmasq_wrote_is_read_and_nothing_else() {
        let text = b"1795900000 02:00:00:00:00:02 192.168.77.101 * 01:02:00:00:00:00:02\n\
            1795900001 02:00:00:00:00:01 192.168.77.100 tv\x1b[2J *\n\
            duid 00:01:00:01\n1795900001 1 fd77::5 host 00:01\n\
            1795900001 <script> 192.168.77.102 host *\n1795900001 02:00:00:00:00:03 192.168.77.103 ho";
        let leases = parse(text).leases;
        let shown: Vec<_> = leases
            .iter()
            .map(|lease| {
                let holder = &lease.holder;
                (
                    lease.address.to_string(),
                    holder.mac.as_str(),
                    holder.hostname.as_deref(),
                    lease.expires_at_seconds,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (
                    "192.168.77.100".to_owned(),
                    "02:00:00:00:00:01",
                    Some("tv\\x1b[2J"),
                    1_795_900_001
                ),
                (
                    "192.168.77.101".to_owned(),
                    "02:00:00:00:00:02",
                    None,
                    1_795_900_000
                ),
            ]
        );
    }

    #[test]
    fn no_file_is_no_lease() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("leases");
        assert_eq!(read_leases(&path).expect("none"), Leases::default());
        assert!(
            read_leases(directory.path()).is_err(),
            "a directory is no file of leases"
        );
    }
}

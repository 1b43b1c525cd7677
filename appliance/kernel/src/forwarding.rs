//! Whether the box forwards packets (Documentation/networking/ip-sysctl.rst).

use std::fs;
use std::io::ErrorKind;

use crate::KernelError;

/// Switches of IPv4 and IPv6. Setting one sets it on every link, those to come included.
const SWITCHES: [&str; 2] = [
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv6/conf/all/forwarding",
];

/// Has the network namespace of this thread forward packets of both families; a kernel without IPv6 those of IPv4. Needs
/// `CAP_NET_ADMIN`.
pub fn forward() -> Result<(), KernelError> {
    for switch in SWITCHES {
        let outcome = fs::read_to_string(switch).and_then(|now| match now.trim() {
            "1" => Ok(()),
            _ => fs::write(switch, "1"),
        });
        match outcome {
            Err(error) if error.kind() == ErrorKind::NotFound && switch.contains("ipv6") => {}
            outcome => outcome.map_err(|source| KernelError::Forward { switch, source })?,
        }
    }
    Ok(())
}

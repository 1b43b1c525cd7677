//! Receive side scaling: which queue takes what, and whether both directions of a connection come to the same one. Read
//! by netlink; set by netlink since Linux 6.17, before by the ioctl (ETHTOOL_SRSSH).

use std::io;

use ravelin_model::ReceiveSpread;

use super::{FAMILY, about};
use crate::generic::{GenericNetlink, Refusal};
use crate::ioctl::DeviceIoctl;
use crate::netlink::{array, attribute};

const ETHTOOL_MSG_RSS_GET: u8 = 38;
const ETHTOOL_MSG_RSS_SET: u8 = 48;

const ETHTOOL_A_RSS_HFUNC: u16 = 3;
const ETHTOOL_A_RSS_INDIR: u16 = 4;
const ETHTOOL_A_RSS_INPUT_XFRM: u16 = 6;

/// Both of an address and a port are one by XOR before they are hashed.
const RXH_XFRM_SYM_XOR: u8 = 1 << 0;
/// By XOR and by OR, which mixes them less; what ConnectX has.
const RXH_XFRM_SYM_OR_XOR: u8 = 1 << 1;
const RXH_XFRM_NO_CHANGE: u8 = 0xff;

const ETHTOOL_SRSSH: u32 = 0x47;
const ETH_RXFH_INDIR_NO_CHANGE: u32 = u32::MAX;

/// Kernels before know no symmetric hash.
const SYMMETRIC_SINCE: (u32, u32) = (6, 8);

pub(crate) fn spread(netlink: &mut GenericNetlink, interface: &str) -> Result<ReceiveSpread, Refusal> {
    let replies = netlink.ask(FAMILY, ETHTOOL_MSG_RSS_GET, about(interface).bytes())?;
    let reply = replies
        .first()
        .ok_or_else(|| Refusal::unreadable("it is empty"))?;
    Ok(read(&reply.attributes, symmetry_is_told()))
}

pub(super) fn read(reply: &[u8], symmetry_is_told: bool) -> ReceiveSpread {
    let number = |kind| Some(u32::from_ne_bytes(array(attribute(reply, kind)?, 0)?));
    let queues = attribute(reply, ETHTOOL_A_RSS_INDIR).unwrap_or_default();
    let queues = queues.chunks_exact(4).filter_map(|queue| array(queue, 0));
    // The kernel leaves out what is zero.
    let transformation = number(ETHTOOL_A_RSS_INPUT_XFRM).unwrap_or(0);
    let known = [RXH_XFRM_SYM_XOR, RXH_XFRM_SYM_OR_XOR].map(u32::from);
    ReceiveSpread {
        indirection: queues.map(u32::from_ne_bytes).collect(),
        symmetric: symmetry_is_told.then(|| known.contains(&transformation)),
        hash_function: number(ETHTOOL_A_RSS_HFUNC).unwrap_or(0),
    }
}

pub(crate) fn set_symmetric(
    netlink: &mut GenericNetlink,
    devices: &DeviceIoctl,
    interface: &str,
    symmetric: bool,
) -> Result<(), Refusal> {
    if spread(netlink, interface)?.symmetric == Some(symmetric) {
        return Ok(());
    }
    if !symmetric {
        return set(netlink, devices, interface, None, Some(0));
    }
    // Each driver has one of them at most, and refuses the other.
    set(netlink, devices, interface, None, Some(RXH_XFRM_SYM_XOR)).or_else(|refusal| {
        set(netlink, devices, interface, None, Some(RXH_XFRM_SYM_OR_XOR)).map_err(|_| refusal)
    })
}

pub(crate) fn set_indirection(
    netlink: &mut GenericNetlink,
    devices: &DeviceIoctl,
    interface: &str,
    queues: &[u32],
) -> Result<(), Refusal> {
    set(netlink, devices, interface, Some(queues), None)
}

fn set(
    netlink: &mut GenericNetlink,
    devices: &DeviceIoctl,
    interface: &str,
    queues: Option<&[u32]>,
    transformation: Option<u8>,
) -> Result<(), Refusal> {
    let request = change(interface, queues, transformation);
    match netlink.ask(FAMILY, ETHTOOL_MSG_RSS_SET, &request) {
        // Older kernels do not have the message, and the ioctl says the same of drivers that cannot.
        Err(refusal) if refusal.unsupported() => {
            Ok(set_by_ioctl(devices, interface, queues, transformation)?)
        }
        answer => answer.map(drop),
    }
}

fn change(interface: &str, queues: Option<&[u32]>, transformation: Option<u8>) -> Vec<u8> {
    let mut attributes = about(interface);
    if let Some(queues) = queues {
        let queues: Vec<u8> = queues.iter().flat_map(|queue| queue.to_ne_bytes()).collect();
        attributes.put(ETHTOOL_A_RSS_INDIR, &queues);
    }
    if let Some(transformation) = transformation {
        attributes.put(ETHTOOL_A_RSS_INPUT_XFRM, &u32::from(transformation).to_ne_bytes());
    }
    attributes.bytes().to_vec()
}

fn set_by_ioctl(
    devices: &DeviceIoctl,
    interface: &str,
    queues: Option<&[u32]>,
    transformation: Option<u8>,
) -> io::Result<()> {
    let unchanged = if symmetry_is_told() { RXH_XFRM_NO_CHANGE } else { 0 };
    let mut command = ioctl_command(queues, transformation.unwrap_or(unchanged));
    // SAFETY: the command is laid out as `struct ethtool_rxfh` with as many entries behind it as `indir_size` says and no
    // key; the kernel reads them, and writes within the structure at most.
    unsafe { devices.ethtool(interface, command.as_mut_ptr().cast()) }
}

/// `struct ethtool_rxfh`, in words.
fn ioctl_command(queues: Option<&[u32]>, transformation: u8) -> Vec<u32> {
    let entries = queues.map_or(ETH_RXFH_INDIR_NO_CHANGE, |queues| {
        u32::try_from(queues.len()).unwrap_or(ETH_RXFH_INDIR_NO_CHANGE)
    });
    let [context, key_size, reserved] = [0; 3];
    // 0: the hash function is left as it is.
    let hash_function = 0;
    let functions = u32::from_ne_bytes([hash_function, transformation, 0, 0]);
    let mut command = vec![ETHTOOL_SRSSH, context, entries, key_size, functions, reserved];
    command.extend(queues.unwrap_or_default());
    command
}

fn symmetry_is_told() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    since(&release, SYMMETRIC_SINCE)
}

fn since(release: &str, (major, minor): (u32, u32)) -> bool {
    let mut numbers = release
        .split(|character: char| !character.is_ascii_digit())
        .map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(release_major)), Some(Ok(release_minor))) => {
            (release_major, release_minor) >= (major, minor)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::attributes;

    #[test]
    fn kernels_are_told_apart_by_their_release() {
        for release in ["6.8.0", "6.12.41+deb13-amd64\n", "7.0-rc1", "10.1.2"] {
            assert!(since(release, SYMMETRIC_SINCE), "{release}");
        }
        for release in ["6.7.12", "5.15.0", "", "6", "linux"] {
            assert!(!since(release, SYMMETRIC_SINCE), "{release}");
        }
    }

    /// The suite's ethtool sets this by the ioctl only, so there is no record to compare with. Numbers are those of
    /// include/uapi/linux/ethtool_netlink_generated.h.
    #[test]
    fn changes_are_laid_out_as_netlink_has_them() {
        let header = about("lan0");
        let request = change("lan0", Some(&[1, 2]), Some(RXH_XFRM_SYM_XOR));
        let behind = request.strip_prefix(header.bytes()).expect("the header first");
        let attributes: Vec<_> = attributes(behind).collect();
        let queues = [1_u32.to_ne_bytes(), 2_u32.to_ne_bytes()].concat();
        assert_eq!(attributes, [(4, &queues[..]), (6, &1_u32.to_ne_bytes())]);
        assert_eq!(change("lan0", None, None), header.bytes());
    }

    /// `struct ethtool_rxfh` of include/uapi/linux/ethtool.h: cmd, rss_context, indir_size, key_size; hfunc, input_xfrm
    /// and two bytes of nothing; four more; then the table.
    #[test]
    fn changes_are_laid_out_as_the_ioctl_has_them() {
        let functions = |transformation| u32::from_ne_bytes([0, transformation, 0, 0]);
        assert_eq!(
            ioctl_command(Some(&[5, 6]), RXH_XFRM_NO_CHANGE),
            [0x47, 0, 2, 0, functions(0xff), 0, 5, 6]
        );
        assert_eq!(
            ioctl_command(None, RXH_XFRM_SYM_OR_XOR),
            [0x47, 0, u32::MAX, 0, functions(2), 0]
        );
    }

    #[test]
    fn either_symmetric_hash_is_symmetric() {
        for (transformation, symmetric) in [
            (None, false),
            (Some(0), false),
            (Some(1), true),
            (Some(2), true),
            (Some(0xff), false),
        ] {
            let mut reply = about("lan0");
            if let Some(transformation) = transformation {
                reply.put(ETHTOOL_A_RSS_INPUT_XFRM, &u32::to_ne_bytes(transformation));
            }
            assert_eq!(
                read(reply.bytes(), true).symmetric,
                Some(symmetric),
                "{transformation:?}"
            );
        }
    }

    /// No card of any test is set this way, so the kernel's own check of the message is what there is: it looks at a
    /// transformation that is none before it asks the driver, which for the loopback has nothing to set.
    #[test]
    fn kernels_that_have_the_message_read_it() {
        ravelin_test_harness::in_fresh_namespace(|| async {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("release");
            let mut netlink = GenericNetlink::open().expect("open");
            let mut set = |transformation| {
                let request = change("lo", Some(&[0]), Some(transformation));
                netlink
                    .ask(FAMILY, ETHTOOL_MSG_RSS_SET, &request)
                    .expect_err("the loopback")
            };
            assert!(set(RXH_XFRM_SYM_XOR).unsupported());
            let none = set(1 << 7);
            if since(&release, SET_SINCE) {
                assert!(none.to_string().starts_with("integer out of range: "), "{none}");
            } else {
                assert!(none.unsupported(), "{none}");
            }
        });
    }

    const SET_SINCE: (u32, u32) = (6, 17);
}

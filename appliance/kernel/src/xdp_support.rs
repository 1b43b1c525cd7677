//! What XDP can do on a device, by family "netdev" of generic netlink (include/uapi/linux/netdev.h, since Linux 6.3;
//! metadata since 6.8).

use ravelin_model::XdpSupport;

use crate::generic::{GenericNetlink, Refusal};
use crate::netlink::{Messages, array, attribute};

const NETDEV_CMD_DEV_GET: u8 = 1;
const NETDEV_A_DEV_IFINDEX: u16 = 1;
const NETDEV_A_DEV_XDP_FEATURES: u16 = 3;
const NETDEV_A_DEV_XDP_RX_METADATA_FEATURES: u16 = 5;

const NETDEV_XDP_ACT_BASIC: u64 = 1 << 0;
const NETDEV_XDP_ACT_REDIRECT: u64 = 1 << 1;
const NETDEV_XDP_ACT_NDO_XMIT: u64 = 1 << 2;
const NETDEV_XDP_ACT_XSK_ZEROCOPY: u64 = 1 << 3;
const NETDEV_XDP_ACT_HW_OFFLOAD: u64 = 1 << 4;
const NETDEV_XDP_ACT_RX_SG: u64 = 1 << 5;

const NETDEV_XDP_RX_METADATA_TIMESTAMP: u64 = 1 << 0;
const NETDEV_XDP_RX_METADATA_HASH: u64 = 1 << 1;
const NETDEV_XDP_RX_METADATA_VLAN_TAG: u64 = 1 << 2;

pub(crate) fn xdp_support(netlink: &mut GenericNetlink, index: u32) -> Result<XdpSupport, Refusal> {
    let replies = netlink.ask("netdev", NETDEV_CMD_DEV_GET, &question(index))?;
    let mut read = replies.iter().filter_map(|reply| read(&reply.attributes));
    read.next()
        .ok_or_else(|| Refusal::unreadable("no XDP features in it"))
}

fn question(index: u32) -> Vec<u8> {
    let mut attributes = Messages::default();
    attributes.put(NETDEV_A_DEV_IFINDEX, &index.to_ne_bytes());
    attributes.bytes().to_vec()
}

fn read(reply: &[u8]) -> Option<XdpSupport> {
    let bits = |kind| Some(u64::from_ne_bytes(array(attribute(reply, kind)?, 0)?));
    let acts = bits(NETDEV_A_DEV_XDP_FEATURES)?;
    let metadata = bits(NETDEV_A_DEV_XDP_RX_METADATA_FEATURES).unwrap_or(0);
    Some(XdpSupport {
        native: acts & NETDEV_XDP_ACT_BASIC != 0,
        redirect: acts & NETDEV_XDP_ACT_REDIRECT != 0,
        redirect_target: acts & NETDEV_XDP_ACT_NDO_XMIT != 0,
        zero_copy: acts & NETDEV_XDP_ACT_XSK_ZEROCOPY != 0,
        hardware: acts & NETDEV_XDP_ACT_HW_OFFLOAD != 0,
        fragments: acts & NETDEV_XDP_ACT_RX_SG != 0,
        rx_timestamp: metadata & NETDEV_XDP_RX_METADATA_TIMESTAMP != 0,
        rx_hash: metadata & NETDEV_XDP_RX_METADATA_HASH != 0,
        rx_vlan: metadata & NETDEV_XDP_RX_METADATA_VLAN_TAG != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorded::recorded;

    /// No tool of the suite asks this, so what is read is held to what the drivers say in the kernel's source.
    #[test]
    fn what_drivers_say_is_read() {
        let probe = |interface| {
            let recorded = recorded(&format!("probe {interface}"));
            read(recorded.answer(NETDEV_CMD_DEV_GET)).expect("features")
        };
        assert_eq!(probe("nic0"), XdpSupport::default(), "e1000e has no XDP");
        let hardware = XdpSupport {
            hardware: true,
            ..XdpSupport::default()
        };
        assert_eq!(
            probe("sim0"),
            hardware,
            "netdevsim takes programs to its card only"
        );
        let native = XdpSupport {
            native: true,
            redirect: true,
            fragments: true,
            ..XdpSupport::default()
        };
        // drivers/net/virtio_net.c; others cannot redirect to it before a program runs on it.
        let hash = XdpSupport {
            rx_hash: true,
            ..native
        };
        assert_eq!(probe("vio0"), hash);
        // drivers/net/veth.c.
        let metadata = XdpSupport {
            rx_timestamp: true,
            rx_vlan: true,
            ..hash
        };
        assert_eq!(probe("wan0"), metadata);
    }
}

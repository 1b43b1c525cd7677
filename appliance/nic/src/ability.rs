//! What a card may be able to do.

use ravelin_model::{HardwareProbe, XdpSupport};

use crate::assessment::Capability;
use crate::cards::Identity;
use crate::drivers::{Means, Tunnels};
use crate::evidence;

/// One thing a card may be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ability {
    /// Takes rules of tc into the card.
    FlowRules,
    /// Takes flower rules that route: new Ethernet addresses, one hop less, out by another port.
    RoutingRules,
    /// Such rules may push, pop or change VLAN tags too.
    VlanRules,
    /// The switch of the card works by rules.
    Switchdev,
    /// Cuts large packets inside UDP tunnels on sending.
    UdpTunnelEncapsulation,
    /// The same, with a checksum of the tunnel's UDP header.
    UdpTunnelChecksumEncapsulation,
    /// Learns the ports of UDP tunnels and looks inside on receipt.
    UdpTunnelDecapsulation,
    /// Cuts large packets inside VXLAN.
    VxlanEncapsulation,
    /// Looks inside VXLAN.
    VxlanDecapsulation,
    /// Cuts large packets inside Geneve.
    GeneveEncapsulation,
    /// Looks inside Geneve.
    GeneveDecapsulation,
    /// Cuts large packets inside GRE.
    GreEncapsulation,
    /// The same, with a checksum in the GRE header.
    GreChecksumEncapsulation,
    /// Looks inside GRE.
    GreDecapsulation,
    /// Cuts large packets inside IPv4.
    Ipv4TunnelEncapsulation,
    /// Cuts large packets inside IPv6.
    Ipv6TunnelEncapsulation,
    /// The kernel joins UDP packets it forwards.
    UdpGroForwarding,
    /// Puts VLAN tags in.
    VlanInsertion,
    /// Takes VLAN tags out.
    VlanStripping,
    /// Drops VLANs nobody listens to.
    VlanFiltering,
    /// Puts service tags (802.1ad) in.
    ServiceVlanInsertion,
    /// Takes service tags out.
    ServiceVlanStripping,
    /// Encrypts records of TLS.
    TlsTransmit,
    /// Decrypts records of TLS.
    TlsReceive,
    /// Encrypts and decrypts ESP.
    Ipsec,
    /// Encrypts and decrypts `MACsec`.
    Macsec,
    /// Filters by tuple (ethtool -N).
    Ntuple,
    /// Joins packets of TCP on receipt, irreversibly: not for a router.
    LargeReceiveOffload,
    /// Joins packets of TCP on receipt so that they can be cut again.
    HardwareGro,
    /// Hashes packets on receipt.
    ReceiveHashing,
    /// Both directions of a connection come to the same queue.
    SymmetricSpread,
    /// Programs of XDP run in the driver.
    XdpNative,
    /// They can redirect from it.
    XdpRedirect,
    /// Others can redirect to it.
    XdpRedirectTarget,
    /// Sockets of XDP without copying.
    XdpZeroCopy,
    /// Programs run on the card.
    XdpHardware,
    /// Frames of more than one buffer.
    XdpFragments,
    /// Programs can ask for the time of receipt.
    XdpReceiveTimestamp,
    /// Programs can ask for the hash.
    XdpReceiveHash,
    /// Programs can ask for the VLAN tag.
    XdpReceiveVlan,
}

/// How an ability is found out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Evidence {
    /// One feature of ethtool says it.
    Feature(&'static str),
    /// A feature of ethtool is for UDP tunnels of any kind; the table of drivers says for which.
    Tunnel {
        feature: &'static str,
        of_driver: fn(&Tunnels) -> Means,
    },
    /// No feature says it, and why.
    Nothing(&'static str),
    /// The spread of packets over queues.
    Symmetric,
    /// The family `netdev`.
    Xdp(fn(&XdpSupport) -> bool),
    /// Devlink's mode of the switch.
    Switchdev,
    /// The tables, for rules that route.
    RoutingRules,
    /// The tables, for rules that route and change VLAN tags.
    VlanRules,
}

impl Ability {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 40] = [
        Self::FlowRules,
        Self::RoutingRules,
        Self::VlanRules,
        Self::Switchdev,
        Self::UdpTunnelEncapsulation,
        Self::UdpTunnelChecksumEncapsulation,
        Self::UdpTunnelDecapsulation,
        Self::VxlanEncapsulation,
        Self::VxlanDecapsulation,
        Self::GeneveEncapsulation,
        Self::GeneveDecapsulation,
        Self::GreEncapsulation,
        Self::GreChecksumEncapsulation,
        Self::GreDecapsulation,
        Self::Ipv4TunnelEncapsulation,
        Self::Ipv6TunnelEncapsulation,
        Self::UdpGroForwarding,
        Self::VlanInsertion,
        Self::VlanStripping,
        Self::VlanFiltering,
        Self::ServiceVlanInsertion,
        Self::ServiceVlanStripping,
        Self::TlsTransmit,
        Self::TlsReceive,
        Self::Ipsec,
        Self::Macsec,
        Self::Ntuple,
        Self::LargeReceiveOffload,
        Self::HardwareGro,
        Self::ReceiveHashing,
        Self::SymmetricSpread,
        Self::XdpNative,
        Self::XdpRedirect,
        Self::XdpRedirectTarget,
        Self::XdpZeroCopy,
        Self::XdpHardware,
        Self::XdpFragments,
        Self::XdpReceiveTimestamp,
        Self::XdpReceiveHash,
        Self::XdpReceiveVlan,
    ];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// How it is found out.
    pub(crate) fn evidence(self) -> Evidence {
        self.row().1
    }

    fn row(self) -> (&'static str, Evidence) {
        use Evidence::{Feature, Nothing, Tunnel, Xdp};
        match self {
            Self::FlowRules => ("flow_rules", Feature("hw-tc-offload")),
            Self::RoutingRules => ("routing_rules", Evidence::RoutingRules),
            Self::VlanRules => ("vlan_rules", Evidence::VlanRules),
            Self::Switchdev => ("switchdev", Evidence::Switchdev),
            Self::UdpTunnelEncapsulation => ("udp_tunnel_encapsulation", Feature(UDP_TUNNEL_SENT)),
            Self::UdpTunnelChecksumEncapsulation => (
                "udp_tunnel_checksum_encapsulation",
                Feature("tx-udp_tnl-csum-segmentation"),
            ),
            Self::UdpTunnelDecapsulation => ("udp_tunnel_decapsulation", Feature(UDP_TUNNEL_RECEIVED)),
            Self::VxlanEncapsulation => (
                "vxlan_encapsulation",
                Tunnel {
                    feature: UDP_TUNNEL_SENT,
                    of_driver: |tunnels| tunnels.vxlan_sent,
                },
            ),
            Self::VxlanDecapsulation => (
                "vxlan_decapsulation",
                Tunnel {
                    feature: UDP_TUNNEL_RECEIVED,
                    of_driver: |tunnels| tunnels.vxlan_received,
                },
            ),
            Self::GeneveEncapsulation => (
                "geneve_encapsulation",
                Tunnel {
                    feature: UDP_TUNNEL_SENT,
                    of_driver: |tunnels| tunnels.geneve_sent,
                },
            ),
            Self::GeneveDecapsulation => (
                "geneve_decapsulation",
                Tunnel {
                    feature: UDP_TUNNEL_RECEIVED,
                    of_driver: |tunnels| tunnels.geneve_received,
                },
            ),
            Self::GreEncapsulation => ("gre_encapsulation", Feature("tx-gre-segmentation")),
            Self::GreChecksumEncapsulation => {
                ("gre_checksum_encapsulation", Feature("tx-gre-csum-segmentation"))
            }
            Self::GreDecapsulation => (
                "gre_decapsulation",
                Nothing("the kernel has no feature for GRE on receipt"),
            ),
            Self::Ipv4TunnelEncapsulation => ("ipv4_tunnel_encapsulation", Feature("tx-ipxip4-segmentation")),
            Self::Ipv6TunnelEncapsulation => ("ipv6_tunnel_encapsulation", Feature("tx-ipxip6-segmentation")),
            Self::UdpGroForwarding => ("udp_gro_forwarding", Feature("rx-udp-gro-forwarding")),
            Self::VlanInsertion => ("vlan_insertion", Feature("tx-vlan-hw-insert")),
            Self::VlanStripping => ("vlan_stripping", Feature("rx-vlan-hw-parse")),
            Self::VlanFiltering => ("vlan_filtering", Feature("rx-vlan-filter")),
            Self::ServiceVlanInsertion => ("service_vlan_insertion", Feature("tx-vlan-stag-hw-insert")),
            Self::ServiceVlanStripping => ("service_vlan_stripping", Feature("rx-vlan-stag-hw-parse")),
            Self::TlsTransmit => ("tls_transmit", Feature("tls-hw-tx-offload")),
            Self::TlsReceive => ("tls_receive", Feature("tls-hw-rx-offload")),
            Self::Ipsec => ("ipsec", Feature("esp-hw-offload")),
            Self::Macsec => ("macsec", Feature("macsec-hw-offload")),
            Self::Ntuple => ("ntuple", Feature("rx-ntuple-filter")),
            Self::LargeReceiveOffload => ("large_receive_offload", Feature("rx-lro")),
            Self::HardwareGro => ("hardware_gro", Feature("rx-gro-hw")),
            Self::ReceiveHashing => ("receive_hashing", Feature("rx-hashing")),
            Self::SymmetricSpread => ("symmetric_spread", Evidence::Symmetric),
            Self::XdpNative => ("xdp_native", Xdp(|xdp| xdp.native)),
            Self::XdpRedirect => ("xdp_redirect", Xdp(|xdp| xdp.redirect)),
            Self::XdpRedirectTarget => ("xdp_redirect_target", Xdp(|xdp| xdp.redirect_target)),
            Self::XdpZeroCopy => ("xdp_zero_copy", Xdp(|xdp| xdp.zero_copy)),
            Self::XdpHardware => ("xdp_hardware", Xdp(|xdp| xdp.hardware)),
            Self::XdpFragments => ("xdp_fragments", Xdp(|xdp| xdp.fragments)),
            Self::XdpReceiveTimestamp => ("xdp_receive_timestamp", Xdp(|xdp| xdp.rx_timestamp)),
            Self::XdpReceiveHash => ("xdp_receive_hash", Xdp(|xdp| xdp.rx_hash)),
            Self::XdpReceiveVlan => ("xdp_receive_vlan", Xdp(|xdp| xdp.rx_vlan)),
        }
    }
}

const UDP_TUNNEL_SENT: &str = "tx-udp_tnl-segmentation";
const UDP_TUNNEL_RECEIVED: &str = "rx-udp_tunnel-port-offload";

/// Everything there is to say of a card.
pub(crate) fn all(probe: &HardwareProbe, identity: &Identity) -> Vec<Capability> {
    Ability::ALL
        .into_iter()
        .map(|ability| evidence::weigh(ability, probe, identity))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for (place, ability) in Ability::ALL.into_iter().enumerate() {
            let first = Ability::ALL
                .iter()
                .position(|other| other.name() == ability.name());
            assert_eq!(first, Some(place), "{}", ability.name());
        }
    }
}

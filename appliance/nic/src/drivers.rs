//! Kernel drivers: what their source says they do with rules of tc flower and with tunnels.
//!
//! Sources are paths under the kernel's source, read in Linux 6.1. A later driver may do more than is said here, and is
//! then refused until somebody has read it; none is taken to do more than was read.

/// What a driver does with rules of tc flower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flower {
    /// Takes none, or none that routes a packet: new Ethernet addresses, one hop less, out by another port. Why.
    CannotRoute(&'static str),
    /// Takes rules that route.
    Routes(Routing),
}

/// How a driver takes rules that route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Routing {
    /// What it does, and where that is written.
    pub(crate) how: &'static str,
    /// Why it does not while the switch of the card is in switchdev mode.
    pub(crate) not_in_switchdev: &'static str,
    /// Why such rules cannot push, pop or change VLAN tags.
    pub(crate) no_vlan: &'static str,
    /// Most rules for packets that come in by one interface.
    pub(crate) max_rules: u64,
    /// Where that is written, and what may make it less.
    pub(crate) max_rules_source: &'static str,
}

/// Whether a driver means a kind of tunnel by a feature for UDP tunnels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Means {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It does where it has this feature too, else nobody knows.
    YesWith(&'static str),
    /// The driver leaves it to model or firmware.
    NotTold,
}

/// Which UDP tunnels a driver means by the features for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tunnels {
    /// VXLAN, sent.
    pub(crate) vxlan_sent: Means,
    /// VXLAN, received.
    pub(crate) vxlan_received: Means,
    /// Geneve, sent.
    pub(crate) geneve_sent: Means,
    /// Geneve, received.
    pub(crate) geneve_received: Means,
    /// Where that is written.
    pub(crate) source: &'static str,
}

/// A driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Driver {
    /// As ethtool names it.
    pub(crate) name: &'static str,
    /// What it drives.
    pub(crate) family: &'static str,
    /// No hardware is behind it.
    pub(crate) software: bool,
    /// Rules.
    pub(crate) flower: Flower,
    /// Tunnels; None: the driver's source was not read for them.
    pub(crate) tunnels: Option<Tunnels>,
}

/// The driver of this name.
pub(crate) fn find(name: &str) -> Option<&'static Driver> {
    DRIVERS.iter().find(|driver| driver.name == name)
}

const fn card(name: &'static str, family: &'static str, flower: Flower, tunnels: Option<Tunnels>) -> Driver {
    Driver {
        name,
        family,
        software: false,
        flower,
        tunnels,
    }
}

const fn software(name: &'static str, family: &'static str, why: &'static str) -> Driver {
    Driver {
        name,
        family,
        software: true,
        flower: Flower::CannotRoute(why),
        tunnels: None,
    }
}

/// VXLAN and Geneve, sent and received.
const fn both(source: &'static str) -> Option<Tunnels> {
    Some(Tunnels {
        vxlan_sent: Means::Yes,
        vxlan_received: Means::Yes,
        geneve_sent: Means::Yes,
        geneve_received: Means::Yes,
        source,
    })
}

/// Any UDP tunnel sent, none received.
const fn sent_only(source: &'static str) -> Option<Tunnels> {
    Some(Tunnels {
        vxlan_sent: Means::Yes,
        vxlan_received: Means::No,
        geneve_sent: Means::Yes,
        geneve_received: Means::No,
        source,
    })
}

const MLX5: Flower = Flower::Routes(Routing {
    how: "outside switchdev mode mlx5_core rewrites Ethernet addresses and the hop limit and forwards between ports of one card by hairpin queues (drivers/net/ethernet/mellanox/mlx5/core/en/tc/act/act.c, tc_acts_nic; mirred_nic.c)",
    not_in_switchdev: "in switchdev mode mlx5_core refuses to forward from one uplink to another (drivers/net/ethernet/mellanox/mlx5/core/en/tc/act/mirred.c, verify_uplink_forwarding)",
    no_vlan: "outside switchdev mode mlx5_core has no action for VLAN tags (drivers/net/ethernet/mellanox/mlx5/core/en/tc/act/act.c, tc_acts_nic)",
    max_rules: 1 << 18,
    max_rules_source: "rules of one shape fill one group of at most 2^18 entries (drivers/net/ethernet/mellanox/mlx5/core/en_tc.c, MLX5E_TC_TABLE_MAX_GROUP_SIZE); firmware with fewer counters takes fewer",
});

const NO_FLOWER: Flower = Flower::CannotRoute("its driver has no code for tc flower");

/// Every driver that is known.
pub(crate) const DRIVERS: &[Driver] = &[
    card(
        "mlx5_core",
        "NVIDIA Mellanox ConnectX-4 and later",
        MLX5,
        Some(Tunnels {
            vxlan_sent: Means::YesWith("rx-udp_tunnel-port-offload"),
            vxlan_received: Means::Yes,
            geneve_sent: Means::NotTold,
            geneve_received: Means::No,
            source: "drivers/net/ethernet/mellanox/mlx5/core/en_main.c: the bit is set for VXLAN or for Geneve (mlx5e_build_nic_netdev), ports are learned of VXLAN only (mlx5e_vxlan_set_netdev_info)",
        }),
    ),
    card(
        "mlx4_en",
        "NVIDIA Mellanox ConnectX-3",
        Flower::CannotRoute(
            "mlx4_en has no code for tc flower (drivers/net/ethernet/mellanox/mlx4/en_netdev.c, __mlx4_en_setup_tc)",
        ),
        Some(Tunnels {
            vxlan_sent: Means::Yes,
            vxlan_received: Means::Yes,
            geneve_sent: Means::No,
            geneve_received: Means::No,
            source: "drivers/net/ethernet/mellanox/mlx4/en_netdev.c, mlx4_udp_tunnels, mlx4_en_features_check",
        }),
    ),
    card(
        "i40e",
        "Intel Ethernet 700 Series",
        Flower::CannotRoute(
            "i40e takes flower rules only to choose a traffic class of the same port, none that forwards to another (drivers/net/ethernet/intel/i40e/i40e_main.c, i40e_configure_clsflower)",
        ),
        both("drivers/net/ethernet/intel/i40e/i40e_main.c, udp_tunnel_nic and i40e_features_check"),
    ),
    card(
        "ice",
        "Intel Ethernet 800 Series",
        Flower::CannotRoute(
            "ice drops and redirects by flower rules but cannot rewrite Ethernet addresses or decrement the hop limit (drivers/net/ethernet/intel/ice/ice_tc_lib.c, ice_eswitch_tc_parse_action)",
        ),
        both("drivers/net/ethernet/intel/ice/ice_main.c, udp_tunnel_nic and ice_features_check"),
    ),
    card(
        "ixgbe",
        "Intel 82599, X520, X540, X550",
        Flower::CannotRoute(
            "ixgbe offloads cls_u32 and has no code for tc flower (drivers/net/ethernet/intel/ixgbe/ixgbe_main.c, ixgbe_setup_tc_block_cb)",
        ),
        Some(Tunnels {
            vxlan_sent: Means::Yes,
            vxlan_received: Means::Yes,
            geneve_sent: Means::Yes,
            geneve_received: Means::NotTold,
            source: "drivers/net/ethernet/intel/ixgbe/ixgbe_main.c: X550 learns ports of VXLAN, X550EM_a of Geneve too (ixgbe_udp_tunnels_x550, ixgbe_udp_tunnels_x550em_a)",
        }),
    ),
    card(
        "igb",
        "Intel 82575, 82576, 82580, I210, I350",
        Flower::CannotRoute(
            "igb takes flower rules only to choose a queue by Ethernet address or VLAN priority (drivers/net/ethernet/intel/igb/igb_main.c, igb_parse_cls_flower)",
        ),
        sent_only(
            "drivers/net/ethernet/intel/igb/igb_main.c, IGB_GSO_PARTIAL_FEATURES and igb_features_check",
        ),
    ),
    card(
        "igc",
        "Intel I225, I226",
        Flower::CannotRoute(
            "igc has no code for tc flower (drivers/net/ethernet/intel/igc/igc_main.c, igc_setup_tc)",
        ),
        sent_only(
            "drivers/net/ethernet/intel/igc/igc_main.c, IGC_GSO_PARTIAL_FEATURES and igc_features_check",
        ),
    ),
    card("e1000", "Intel 8254x", NO_FLOWER, None),
    card("e1000e", "Intel 8257x, 8258x, I217 to I219", NO_FLOWER, None),
    card(
        "bnxt_en",
        "Broadcom NetXtreme-C and NetXtreme-E",
        Flower::CannotRoute(
            "bnxt_en rewrites addresses and ports by flower rules but cannot decrement the hop limit (drivers/net/ethernet/broadcom/bnxt/bnxt_tc.c, bnxt_tc_parse_pedit)",
        ),
        both("drivers/net/ethernet/broadcom/bnxt/bnxt.c, bnxt_udp_tunnels and bnxt_features_check"),
    ),
    card(
        "virtio_net",
        "virtio",
        Flower::CannotRoute(
            "virtio_net is the guest's end of a link to its host and has no code for tc flower",
        ),
        None,
    ),
    card(
        "vmxnet3",
        "VMware vmxnet3",
        Flower::CannotRoute("vmxnet3 is the guest's end of a link to its host and has no code for tc flower"),
        None,
    ),
    card(
        "ena",
        "Amazon Elastic Network Adapter",
        Flower::CannotRoute("ena is the guest's end of a link to its host and has no code for tc flower"),
        None,
    ),
    card(
        "mlxsw_spectrum",
        "NVIDIA Mellanox Spectrum",
        Flower::CannotRoute(
            "mlxsw_spectrum routes by the kernel's routes, its flower rules cannot decrement the hop limit (drivers/net/ethernet/mellanox/mlxsw/spectrum_flower.c, mlxsw_sp_flower_parse_actions)",
        ),
        None,
    ),
    card("r8169", "Realtek 8169, 8168, 8125", NO_FLOWER, None),
    software(
        "veth",
        "virtual Ethernet pair",
        "veth is a pair of virtual interfaces without hardware",
    ),
    software(
        "bridge",
        "bridge",
        "a bridge is software; its ports may have cards",
    ),
    software(
        "bonding",
        "bond",
        "a bond is software; its members have the cards",
    ),
    software("team", "team", "a team is software; its members have the cards"),
    software(
        "802.1Q VLAN Support",
        "VLAN",
        "a VLAN interface is software; the interface below may have a card",
    ),
    software(
        "macvlan",
        "macvlan",
        "macvlan is software; the interface below may have a card",
    ),
    software(
        "ipvlan",
        "ipvlan",
        "ipvlan is software; the interface below may have a card",
    ),
    software(
        "tun",
        "tun and tap",
        "packets of a tun interface go to a program, not to a card",
    ),
    software("dummy", "dummy", "a dummy interface drops what it is sent"),
    software(
        "loopback",
        "loopback",
        "packets of the loopback interface never leave the kernel",
    ),
    software(
        "vxlan",
        "VXLAN",
        "a tunnel is software; the interface below may have a card",
    ),
    software(
        "geneve",
        "Geneve",
        "a tunnel is software; the interface below may have a card",
    ),
    software(
        "wireguard",
        "WireGuard",
        "a tunnel is software; the interface below may have a card",
    ),
    software(
        "netdevsim",
        "netdevsim",
        "netdevsim simulates a card for tests of the kernel and forwards nothing",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_is_in_the_table_once() {
        for (place, driver) in DRIVERS.iter().enumerate() {
            let first = DRIVERS.iter().position(|other| other.name == driver.name);
            assert_eq!(first, Some(place), "{}", driver.name);
        }
    }
}

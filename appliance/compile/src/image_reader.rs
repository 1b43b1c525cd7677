//! Reads the images of a policy byte by byte as the programs do (`ebpf/lib/classify.h`): what a data plane without
//! kernel judges by, and a second witness for those with one.

use std::net::IpAddr;

use ravelin_abi::rv_box_flag::RV_BOX_ANY_PROTOCOL;
use ravelin_abi::rv_policy_action::{RV_ACTION_ACCEPT, RV_ACTION_DROP, RV_ACTION_REJECT};
use ravelin_abi::rv_policy_field::{
    RV_FIELD_DESTINATION, RV_FIELD_DESTINATION_CLASS, RV_FIELD_DESTINATION_PORT, RV_FIELD_FROM_ZONE,
    RV_FIELD_LEAF, RV_FIELD_PROTOCOL, RV_FIELD_SOURCE, RV_FIELD_SOURCE_CLASS, RV_FIELD_SOURCE_PORT,
    RV_FIELD_TO_ZONE, RV_FIELDS,
};
use ravelin_abi::rv_policy_header_flag::{RV_POLICY_DESTINATION_TERMS, RV_POLICY_SOURCE_TERMS};
use ravelin_abi::rv_policy_limit::RV_POLICY_DEPTH;
use ravelin_abi::rv_policy_rule_flag::RV_RULE_LOG;
use ravelin_abi::{rv_box, rv_box4, rv_box6, rv_dnat4, rv_dnat6, rv_node, rv_policy_header, rv_policy_rule};
use ravelin_model::{Action, ZoneNumber};

use crate::{AddressIndexReader, CounterId, Image, PolicyImages, PolicyPacket};

const RULE_NONE: u32 = u32::MAX;

/// What the images say of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageVerdict {
    /// Index of the line of the ruleset; None: the default of the zone pair.
    pub rule: Option<u32>,
    /// What it counts on.
    pub counter: CounterId,
    /// What becomes of it; None: nftables decides.
    pub action: Option<Action>,
    /// Whether it is logged.
    pub log: bool,
}

/// What a look-up took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImageSteps {
    /// Nodes passed.
    pub nodes: usize,
    /// Boxes asked.
    pub boxes: usize,
}

/// Reads the images of a policy.
#[derive(Debug, Clone, Copy)]
pub struct ImageReader<'a> {
    image: &'a Image,
    classes: AddressIndexReader<'a>,
    header: rv_policy_header,
}

/// Words of a packet, by `rv_policy_field`.
type Key = [u32; RV_FIELDS as usize];

impl<'a> ImageReader<'a> {
    /// Reads these images.
    pub fn new(images: &'a PolicyImages) -> Self {
        Self {
            image: &images.policy,
            classes: AddressIndexReader::new(&images.classes),
            header: images.policy.get(0),
        }
    }

    /// What becomes of a packet.
    pub fn classify(&self, packet: &PolicyPacket) -> ImageVerdict {
        self.trace(packet).0
    }

    /// The same, and what it took.
    pub fn trace(&self, packet: &PolicyPacket) -> (ImageVerdict, ImageSteps) {
        let mut steps = ImageSteps::default();
        let family = usize::from(packet.source.is_ipv6());
        let key = self.key(packet, family);
        let mut best = RULE_NONE;
        for root in self.header.roots[family] {
            if root != 0 {
                best = best.min(self.walk(root, &key, family, best, &mut steps));
            }
        }
        let rule: rv_policy_rule = if best == RULE_NONE {
            let pair = u32::from(packet.from.get()) * self.header.zone_numbers + u32::from(packet.to.get());
            self.image.get(self.header.defaults + pair)
        } else {
            self.image.get(self.header.rules + best)
        };
        let verdict = ImageVerdict {
            rule: (best != RULE_NONE).then_some(best),
            counter: rule.counter,
            action: match u32::from(rule.action) {
                RV_ACTION_ACCEPT => Some(Action::Accept),
                RV_ACTION_DROP => Some(Action::Drop),
                RV_ACTION_REJECT => Some(Action::Reject),
                _ => None,
            },
            log: u32::from(rule.flags) & RV_RULE_LOG != 0,
        };
        (verdict, steps)
    }

    /// Where a packet goes that comes in from `from` and was sent to `destination` and `port` (0 where the protocol
    /// has none): the new destination and port.
    pub fn translate(
        &self,
        from: ZoneNumber,
        destination: IpAddr,
        protocol: u8,
        port: u16,
    ) -> Option<(IpAddr, u16)> {
        let key = DnatKey {
            zone: from.get(),
            protocol,
            address: number(destination),
            port,
        };
        let family = usize::from(destination.is_ipv6());
        let target = |number: u128| match destination {
            IpAddr::V4(_) => IpAddr::V4(low_word(number).into()),
            IpAddr::V6(_) => IpAddr::V6(number.into()),
        };
        if let Some(row) = self.last_row(family, &key)
            && protocol != 0
            && (row.key.zone, row.key.protocol, row.key.address) == (key.zone, key.protocol, key.address)
            && port <= row.last_port
        {
            return Some((target(row.target), row.new_port(port)));
        }
        let row = self.last_row(
            family,
            &DnatKey {
                protocol: 0,
                port: u16::MAX,
                ..key
            },
        )?;
        let width = if family == 0 { u32::BITS } else { u128::BITS };
        let distance = key.address ^ row.key.address;
        let is_inside = distance & !host_mask(row.key.port, width) == 0;
        let is_of_network = row.key.zone == key.zone && row.key.protocol == 0 && is_inside;
        is_of_network.then(|| (target(row.target | distance), port))
    }

    /// The zone of an interface.
    pub fn zone_of(&self, ifindex: u32) -> Option<ZoneNumber> {
        if ifindex >= self.header.zones_count {
            return None;
        }
        let slot: [u8; 16] = self.image.get(self.header.zones + ifindex / 16);
        ZoneNumber::new(slot[(ifindex % 16) as usize].into())
    }

    fn key(&self, packet: &PolicyPacket, family: usize) -> Key {
        let mut key = [0; RV_FIELDS as usize];
        let mut set = |field: u32, value: u32| key[field as usize] = value;
        for (field, address) in [
            (RV_FIELD_SOURCE, packet.source),
            (RV_FIELD_DESTINATION, packet.destination),
        ] {
            match address {
                IpAddr::V4(address) => set(field, address.into()),
                IpAddr::V6(address) => {
                    for (word, shift) in (0u32..4).zip([96u32, 64, 32, 0]) {
                        set(field + word, low_word(u128::from(address) >> shift));
                    }
                }
            }
        }
        set(RV_FIELD_SOURCE_PORT, packet.source_port.into());
        set(RV_FIELD_DESTINATION_PORT, packet.destination_port.into());
        if packet.is_icmp() {
            let (kind, code) = packet.icmp;
            set(RV_FIELD_SOURCE_PORT, 0);
            set(RV_FIELD_DESTINATION_PORT, u32::from(kind) << 8 | u32::from(code));
        }
        set(RV_FIELD_PROTOCOL, packet.protocol.into());
        set(RV_FIELD_FROM_ZONE, packet.from.get().into());
        set(RV_FIELD_TO_ZONE, packet.to.get().into());
        if self.header.flags & RV_POLICY_SOURCE_TERMS << family != 0 {
            set(RV_FIELD_SOURCE_CLASS, self.classes.find(packet.source));
        }
        if self.header.flags & RV_POLICY_DESTINATION_TERMS << family != 0 {
            set(RV_FIELD_DESTINATION_CLASS, self.classes.find(packet.destination));
        }
        key
    }

    /// The best rule of a tree if it is better than `best`.
    fn walk(&self, root: u32, key: &Key, family: usize, best: u32, steps: &mut ImageSteps) -> u32 {
        let mut slot = root;
        for _ in 0..RV_POLICY_DEPTH {
            let node: rv_node = self.image.get(slot);
            steps.nodes += 1;
            if node.best >= best {
                return RULE_NONE;
            }
            if u32::from(node.field) == RV_FIELD_LEAF {
                return self.leaf(&node, key, family, best, steps);
            }
            slot = if key[usize::from(node.field)] <= node.threshold {
                slot + 1
            } else {
                node.right
            };
        }
        RULE_NONE
    }

    fn leaf(&self, node: &rv_node, key: &Key, family: usize, best: u32, steps: &mut ImageSteps) -> u32 {
        for number in 0..u32::from(node.count) {
            steps.boxes += 1;
            let (of, addresses) = if family == 0 {
                let of: rv_box4 = self.image.get(node.right + number * 2);
                (of.box_, matches4(&of, key))
            } else {
                let of: rv_box6 = self.image.get(node.right + number * 4);
                (of.box_, matches6(&of, key))
            };
            if of.rule >= best {
                break;
            }
            if addresses && self.matches(&of, key) {
                return of.rule;
            }
        }
        RULE_NONE
    }

    fn matches(&self, of: &rv_box, key: &Key) -> bool {
        let word = |field: u32| key[field as usize];
        let zone = |wanted: u8, field| wanted == 0 || u32::from(wanted) == word(field);
        let port = |[first, last]: [u16; 2], field| (first.into()..=last.into()).contains(&word(field));
        (u32::from(of.flags) & RV_BOX_ANY_PROTOCOL != 0 || u32::from(of.protocol) == word(RV_FIELD_PROTOCOL))
            && port(of.source_port, RV_FIELD_SOURCE_PORT)
            && port(of.destination_port, RV_FIELD_DESTINATION_PORT)
            && zone(of.from_zone, RV_FIELD_FROM_ZONE)
            && zone(of.to_zone, RV_FIELD_TO_ZONE)
            && self.has_term(word(RV_FIELD_SOURCE_CLASS), of.source_term)
            && self.has_term(word(RV_FIELD_DESTINATION_CLASS), of.destination_term)
    }

    /// Whether a class matches a term; 0 is no term.
    fn has_term(&self, class: u32, term: u16) -> bool {
        if term == 0 {
            return true;
        }
        let word = class as usize * self.header.terms_row_words as usize + usize::from(term / 64);
        let slot = self.header.terms as usize + word / 2;
        let words: [u64; 2] = self
            .image
            .get(u32::try_from(slot).expect("slots have 32-bit numbers"));
        words[word % 2] >> (term % 64) & 1 != 0
    }

    fn dnat_row(&self, family: usize, number: u32) -> DnatRow {
        let first = self.header.dnat[family];
        if family == 0 {
            let row: rv_dnat4 = self.image.get(first + number);
            DnatRow {
                key: DnatKey {
                    zone: row.zone,
                    protocol: row.protocol,
                    address: row.address.into(),
                    port: row.port[0],
                },
                last_port: row.port[1],
                target: row.target.into(),
                target_port: row.target_port,
            }
        } else {
            let row: rv_dnat6 = self.image.get(first + number * 4);
            DnatRow {
                key: DnatKey {
                    zone: row.zone,
                    protocol: row.protocol,
                    address: joined(row.address),
                    port: row.port[0],
                },
                last_port: row.port[1],
                target: joined(row.target),
                target_port: row.target_port,
            }
        }
    }

    /// The last row that does not come behind the key.
    fn last_row(&self, family: usize, key: &DnatKey) -> Option<DnatRow> {
        let (mut low, mut high) = (0, self.header.dnat_count[family]);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.dnat_row(family, middle).key <= *key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1).map(|at| self.dnat_row(family, at))
    }
}

/// What rows of translations are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct DnatKey {
    zone: u8,
    protocol: u8,
    address: u128,
    port: u16,
}

/// `rv_dnat4` or `rv_dnat6`.
#[derive(Debug, Clone, Copy)]
struct DnatRow {
    key: DnatKey,
    last_port: u16,
    target: u128,
    target_port: u16,
}

impl DnatRow {
    fn new_port(&self, port: u16) -> u16 {
        match self.target_port {
            0 => port,
            target => target.wrapping_add(port - self.key.port),
        }
    }
}

/// IPv4 addresses as 32-bit numbers.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn matches4(of: &rv_box4, key: &Key) -> bool {
    let prefix = |address: u32, bits: u8, field: u32| {
        u128::from(address ^ key[field as usize]) & !host_mask(bits.into(), u32::BITS) == 0
    };
    prefix(of.source, of.box_.source_bits, RV_FIELD_SOURCE)
        && prefix(of.destination, of.box_.destination_bits, RV_FIELD_DESTINATION)
}

fn matches6(of: &rv_box6, key: &Key) -> bool {
    let prefix = |address: [u64; 2], bits: u8, field: u32| {
        let words = &key[field as usize..][..4];
        let key = words
            .iter()
            .fold(0, |address, word| address << 32 | u128::from(*word));
        (joined(address) ^ key) & !host_mask(bits.into(), u128::BITS) == 0
    };
    prefix(of.source, of.box_.source_bits, RV_FIELD_SOURCE)
        && prefix(of.destination, of.box_.destination_bits, RV_FIELD_DESTINATION)
}

/// The bits behind a prefix of an address that wide.
fn host_mask(bits: u16, width: u32) -> u128 {
    let all = u128::MAX >> (u128::BITS - width);
    all.checked_shr(bits.into()).unwrap_or(0)
}

fn joined([high, low]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

#[expect(clippy::cast_possible_truncation, reason = "the low word is what is wanted")]
fn low_word(address: u128) -> u32 {
    address as u32
}

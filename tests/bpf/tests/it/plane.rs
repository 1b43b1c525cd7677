//! One loaded program with its maps, all to itself.

mod context;
mod maps;
mod run;

use std::path::Path;

use aya::programs::{SchedClassifier, TcAttachType, Xdp, XdpMode};
use aya::{Ebpf, EbpfLoader, VerifierLogLevel};
use ravelin_abi::rv_zone;
use ravelin_objects::load_time;
use ravelin_test_harness::Namespace;

pub use context::Context;
pub use maps::{Cell, Flow};
pub use run::{Outcome, Verdict};

/// Entries of the block list in these tests.
const ENTRIES: u32 = 4096;
/// Buckets of a half of the name table.
const BUCKETS: u32 = 1024;

/// Buckets of the flow cache, of each family.
pub const FAST_BUCKETS: u32 = 64;
/// Slots of the flow cache, of each family.
pub const FAST_FLOWS: u32 = 512;

/// `BPF_PROG_TEST_RUN` has packets come in on the loopback.
pub const IFINDEX: u32 = 1;
/// Slot of that interface in the statistics.
pub const SLOT: u16 = 3;

/// Where a program attaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    Xdp,
    Ingress,
    Egress,
}

impl Hook {
    pub const ALL: [Self; 3] = [Self::Xdp, Self::Ingress, Self::Egress];

    pub fn object(self) -> &'static [u8] {
        match self {
            Self::Xdp => ravelin_objects::XDP,
            Self::Ingress => ravelin_objects::TC_INGRESS,
            Self::Egress => ravelin_objects::TC_EGRESS,
        }
    }

    /// Whether `BPF_PROG_TEST_RUN` takes the frame: an skb must have a byte behind the Ethernet header, and
    /// the IP header where the ethertype promises one.
    pub fn takes(self, frame: &[u8]) -> bool {
        let shortest = match (self, frame.get(12..14)) {
            (Self::Xdp, _) => 14,
            (_, Some([0x08, 0x00])) => 14 + 20,
            (_, Some([0x86, 0xdd])) => 14 + 40,
            (_, _) => 15,
        };
        frame.len() >= shortest
    }

    pub fn program(self) -> &'static str {
        match self {
            Self::Xdp => "rv_xdp",
            Self::Ingress => "rv_ingress",
            Self::Egress => "rv_egress",
        }
    }
}

/// A loaded program. Its interface is described, with [`SLOT`] and no flags; every feature is off.
#[derive(Debug)]
pub struct Plane {
    hook: Hook,
    ebpf: Ebpf,
    names: ravelin_abi::rv_name_table,
    switches: u64,
    event_rate: u32,
}

impl Plane {
    pub fn load(hook: Hook, pins: &Path) -> Self {
        Self::load_with_event_rate(hook, pins, 1_000_000)
    }

    pub fn load_with_event_rate(hook: Hook, pins: &Path, event_rate: u32) -> Self {
        let pins = pins.join(hook.program());
        std::fs::create_dir_all(&pins).unwrap();
        let mut loader = EbpfLoader::new();
        loader
            .default_map_pin_directory(&pins)
            .verifier_log_level(VerifierLogLevel::STATS)
            .map_max_entries("flow_map4", 1024)
            .map_max_entries("flow_map6", 1024);
        if hook == Hook::Xdp {
            loader
                .map_max_entries("fast_index4", FAST_BUCKETS)
                .map_max_entries("fast_index6", FAST_BUCKETS)
                .map_max_entries("fast_flow4", FAST_FLOWS)
                .map_max_entries("fast_flow6", FAST_FLOWS);
        }
        if hook != Hook::Egress {
            loader
                .map_max_entries("blocklist_hits", ENTRIES)
                .map_max_entries("dns_blocklist", 2 * BUCKETS)
                .override_global(load_time::NAME_HALF, &BUCKETS, true);
        }
        let mut ebpf = loader.load(hook.object()).unwrap();
        let program = ebpf.program_mut(hook.program()).unwrap();
        match hook {
            Hook::Xdp => <&mut Xdp>::try_from(program).unwrap().load(),
            Hook::Ingress | Hook::Egress => <&mut SchedClassifier>::try_from(program).unwrap().load(),
        }
        .unwrap_or_else(|error| panic!("{}: {error:?}", hook.program()));
        let mut plane = Self {
            hook,
            ebpf,
            names: ravelin_abi::rv_name_table::default(),
            switches: 0,
            event_rate,
        };
        plane.set_zone(0);
        plane
    }

    pub fn hook(&self) -> Hook {
        self.hook
    }

    /// Sets the flags of the interface.
    pub fn set_zone(&mut self, flags: u32) {
        let zone = rv_zone {
            slot: SLOT,
            zone: 0,
            flags,
        };
        self.array("zones").set(IFINDEX, maps::Value(zone), 0).unwrap();
    }

    /// Attaches to an interface of the namespace, described as [`SLOT`] with these flags.
    pub fn attach(&mut self, namespace: &Namespace, interface: &str, flags: u32) {
        let listing = namespace.ip(&format!("-o link show dev {interface}"));
        let index: u32 = listing.split(':').next().unwrap().parse().unwrap();
        let zone = rv_zone {
            slot: SLOT,
            zone: 0,
            flags,
        };
        self.array("zones").set(index, maps::Value(zone), 0).unwrap();
        let program = self.ebpf.program_mut(self.hook.program()).unwrap();
        namespace.within(|| match self.hook {
            Hook::Xdp => {
                let program = <&mut Xdp>::try_from(program).unwrap();
                program.attach(interface, XdpMode::Driver).unwrap();
            }
            Hook::Ingress | Hook::Egress => {
                let direction = match self.hook {
                    Hook::Egress => TcAttachType::Egress,
                    _ => TcAttachType::Ingress,
                };
                let program = <&mut SchedClassifier>::try_from(program).unwrap();
                program.attach(interface, direction).unwrap();
            }
        });
    }

    /// Instructions the verifier walked.
    pub fn verified_instructions(&self) -> u32 {
        let info = self.ebpf.program(self.hook.program()).unwrap().info().unwrap();
        info.verified_instruction_count().unwrap()
    }
}

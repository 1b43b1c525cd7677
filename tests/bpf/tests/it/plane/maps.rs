//! What goes into the maps and what comes out.

use std::net::{Ipv4Addr, Ipv6Addr};

use aya::Pod;
use aya::maps::{Array, ArrayOfMaps, HashMap, MapData, PerCpuArray, PerCpuValues, RingBuf};
use aya::util::nr_cpus;
use ravelin_abi::{
    rv_control, rv_counter, rv_event, rv_event_budget, rv_flow, rv_flow_key4, rv_flow_key6, rv_image_page,
    rv_name_table, rv_statistics, rv_switch,
};
use ravelin_compile::{AddressImage, Image, NameImage};

use super::{BUCKETS, Hook, Plane, SLOT};

/// Flags of the maps in the rows of a map of images: `BPF_F_MMAPABLE | BPF_F_INNER_MAP`.
const IMAGE_FLAGS: u32 = 0x1400;

/// A struct of the ABI as a map value.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub struct Value<T>(pub T);

// SAFETY: used with the structs of ravelin-abi only: repr(C), integers only, padding explicit.
unsafe impl<T: Copy + 'static> Pod for Value<T> {}

/// A cell of the statistics that is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub slot: u16,
    pub egress: bool,
    pub row: u32,
    pub reason: u32,
    pub packets: u64,
    pub bytes: u64,
}

/// An entry of a flow map, in host order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    pub source: std::net::IpAddr,
    pub destination: std::net::IpAddr,
    pub ports: (u16, u16),
    pub ifindex: u32,
    pub protocol: u8,
    pub packets: u64,
    pub bytes: u64,
    pub tcp_flags: u8,
}

impl Plane {
    pub(super) fn array<T: Copy + 'static>(&mut self, name: &str) -> Array<&mut MapData, Value<T>> {
        Array::try_from(self.ebpf.map_mut(name).unwrap()).unwrap()
    }

    fn per_cpu<T: Copy + 'static>(&mut self, name: &str) -> PerCpuArray<&mut MapData, Value<T>> {
        PerCpuArray::try_from(self.ebpf.map_mut(name).unwrap()).unwrap()
    }

    /// Switches features; which halves are live stays.
    pub fn set_switches(&mut self, switches: u32) {
        self.switches = u64::from(switches);
        self.write_control();
    }

    fn write_control(&mut self) {
        let control = rv_control {
            switches: self.switches
                | u64::from(rv_switch::RV_SWITCH_ADDRESS_HALF | rv_switch::RV_SWITCH_NAME_HALF),
            names: [rv_name_table::default(), self.names],
            event_rate: self.event_rate.into(),
        };
        self.array("control").set(0, Value(control), 0).unwrap();
    }

    /// Puts the block list into row 1, the live one.
    pub fn load_addresses(&mut self, image: &AddressImage) {
        assert_ne!(self.hook, Hook::Egress);
        self.load_image("xdp_blocklist", image.image());
    }

    /// Puts an image into row 1 of its map.
    fn load_image(&mut self, name: &str, image: &Image) {
        let pages = u32::try_from(image.pages()).unwrap();
        let mut inner: Array<MapData, Value<rv_image_page>> = Array::create(pages, IMAGE_FLAGS).unwrap();
        for (number, bytes) in (0..).zip(image.bytes().chunks_exact(size_of::<rv_image_page>())) {
            inner
                .set(number, Value(bytemuck::pod_read_unaligned(bytes)), 0)
                .unwrap();
        }
        let outer = self.ebpf.map_mut(name).unwrap();
        let mut outer: ArrayOfMaps<_, Array<MapData, Value<rv_image_page>>> =
            ArrayOfMaps::try_from(outer).unwrap();
        outer.set(1, &inner, 0).unwrap();
    }

    /// Fills half 1 of the name table, the live one.
    pub fn load_names(&mut self, image: &NameImage) {
        self.names = rv_name_table {
            key: image.key,
            bucket_mask: u32::try_from(image.buckets.len() - 1).unwrap(),
            pad: 0,
        };
        self.write_control();
        self.fill("dns_blocklist", BUCKETS, &image.buckets);
    }

    fn fill<T: Copy + PartialEq + 'static>(&mut self, name: &str, half: u32, values: &[T]) {
        let mut array = self.array(name);
        for (index, value) in (half..).zip(values) {
            assert!(index < 2 * half, "{name} is full");
            let old: Value<T> = array.get(&index, 0).unwrap();
            if old.0 != *value {
                array.set(index, Value(*value), 0).unwrap();
            }
        }
    }

    /// Cells that are not zero, which are then; of this interface and of slot 0.
    pub fn take_cells(&mut self) -> Vec<Cell> {
        let mut cells = Vec::new();
        let mut statistics = self.per_cpu::<rv_statistics>("statistics");
        for (slot, egress) in [(0, false), (0, true), (SLOT, false), (SLOT, true)] {
            let key = u32::from(slot) * 2 + u32::from(egress);
            let cpus = statistics.get(&key, 0).unwrap();
            for (row, reasons) in (0u32..).zip(&cpus[0].0.cell) {
                for reason in (0u32..).take(reasons.len()) {
                    let counter = sum(cpus.iter().map(|cpu| cpu.0.cell[row as usize][reason as usize]));
                    if counter != rv_counter::default() {
                        cells.push(Cell {
                            slot,
                            egress,
                            row,
                            reason,
                            packets: counter.packets,
                            bytes: counter.bytes,
                        });
                    }
                }
            }
            clear(&mut statistics, key);
        }
        cells
    }

    /// A hit counter of "blocklist_hits" or "dns_hits", which is 0 then.
    pub fn take_hits(&mut self, map: &str, key: u32) -> (u64, u64) {
        let mut hits = self.per_cpu::<rv_counter>(map);
        let counter = sum(hits.get(&key, 0).unwrap().iter().map(|cpu| cpu.0));
        clear(&mut hits, key);
        (counter.packets, counter.bytes)
    }

    /// Events (suppressed, lost) since load.
    pub fn event_losses(&mut self) -> (u64, u64) {
        let budget = self.per_cpu::<rv_event_budget>("event_budget");
        let cpus = budget.get(&0, 0).unwrap();
        cpus.iter()
            .fold((0, 0), |(a, b), cpu| (a + cpu.0.suppressed, b + cpu.0.lost))
    }

    /// Events in the ring, which is empty then.
    pub fn take_events(&mut self) -> Vec<rv_event> {
        let mut ring = RingBuf::try_from(self.ebpf.map_mut("events").unwrap()).unwrap();
        let mut events = Vec::new();
        while let Some(item) = ring.next() {
            assert_eq!(item.len(), size_of::<rv_event>());
            // SAFETY: the record has the size of the struct, which takes any bytes.
            events.push(unsafe { item.as_ptr().cast::<rv_event>().read_unaligned() });
        }
        events
    }

    /// Flows of both maps, which are empty then.
    pub fn take_flows(&mut self) -> Vec<Flow> {
        let mut flows = Vec::new();
        let mut map: HashMap<_, Value<rv_flow_key4>, Value<rv_flow>> =
            HashMap::try_from(self.ebpf.map_mut("flow_map4").unwrap()).unwrap();
        for entry in map.iter().collect::<Result<Vec<_>, _>>().unwrap() {
            let (Value(key), Value(flow)) = entry;
            assert_eq!(key.pad, [0; 7]);
            map.remove(&entry.0).unwrap();
            flows.push(described(
                Ipv4Addr::from_bits(u32::from_be(key.source)).into(),
                Ipv4Addr::from_bits(u32::from_be(key.destination)).into(),
                (key.source_port, key.destination_port),
                (key.ifindex, key.protocol),
                &flow,
            ));
        }
        let mut map: HashMap<_, Value<rv_flow_key6>, Value<rv_flow>> =
            HashMap::try_from(self.ebpf.map_mut("flow_map6").unwrap()).unwrap();
        for entry in map.iter().collect::<Result<Vec<_>, _>>().unwrap() {
            let (Value(key), Value(flow)) = entry;
            assert_eq!(key.pad, [0; 7]);
            map.remove(&entry.0).unwrap();
            flows.push(described(
                Ipv6Addr::from(key.source).into(),
                Ipv6Addr::from(key.destination).into(),
                (key.source_port, key.destination_port),
                (key.ifindex, key.protocol),
                &flow,
            ));
        }
        flows
    }
}

fn described(
    source: std::net::IpAddr,
    destination: std::net::IpAddr,
    ports: (u16, u16),
    (ifindex, protocol): (u32, u8),
    flow: &rv_flow,
) -> Flow {
    assert_ne!(flow.first_seen_ns, 0);
    assert!(flow.first_seen_ns <= flow.last_seen_ns);
    Flow {
        source,
        destination,
        ports: (u16::from_be(ports.0), u16::from_be(ports.1)),
        ifindex,
        protocol,
        packets: flow.packets,
        bytes: flow.bytes,
        tcp_flags: flow.tcp_flags,
    }
}

fn sum(counters: impl Iterator<Item = rv_counter>) -> rv_counter {
    counters.fold(rv_counter::default(), |sum, counter| rv_counter {
        packets: sum.packets + counter.packets,
        bytes: sum.bytes + counter.bytes,
    })
}

fn clear<T: Copy + Default + 'static>(map: &mut PerCpuArray<&mut MapData, Value<T>>, key: u32) {
    let zeros = vec![Value(T::default()); nr_cpus().unwrap()];
    map.set(key, PerCpuValues::try_from(zeros).unwrap(), 0).unwrap();
}

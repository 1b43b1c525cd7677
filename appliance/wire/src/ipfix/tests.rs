use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ravelin_model::{EndReason, FlowCount, FlowRecord, FlowTuple, Offload, Revision};
use time::{Duration, OffsetDateTime};

use super::*;
use crate::random::Random;

/// Enterprise and number of an element.
type Field = (u32, u16);

/// Numbers of the other direction.
const REVERSE: u32 = 29305;

/// What a collector knows of a session: its templates, and which record comes next.
#[derive(Debug, Default)]
struct Collector {
    templates: BTreeMap<u16, Vec<(Field, usize)>>,
    sequence: u32,
}

impl Collector {
    /// Its records, each by field. Everything about the message has to be right.
    fn read(&mut self, message: &Message, domain: u32, at: OffsetDateTime) -> Vec<BTreeMap<Field, Vec<u8>>> {
        let bytes = message.bytes.as_slice();
        assert!(bytes.len() <= MAX_MESSAGE_BYTES, "{} bytes", bytes.len());
        assert_eq!(number(&bytes[..2]), 10, "version");
        assert_eq!(number(&bytes[2..4]), u64::try_from(bytes.len()).expect("short"));
        assert_eq!(i64::try_from(number(&bytes[4..8])), Ok(at.unix_timestamp()));
        assert_eq!(number(&bytes[8..12]), self.sequence.into(), "sequence");
        assert_eq!(number(&bytes[12..16]), domain.into());
        let mut records = Vec::new();
        let mut rest = &bytes[16..];
        while !rest.is_empty() {
            let length = usize::try_from(number(&rest[2..4])).expect("length");
            let (set, later) = rest.split_at(length);
            match u16::try_from(number(&set[..2])).expect("id") {
                2 => self.learn(&set[4..]),
                id => records.extend(self.records(id, &set[4..])),
            }
            rest = later;
        }
        assert_eq!(u32::try_from(records.len()), Ok(message.records));
        self.sequence = self.sequence.wrapping_add(message.records);
        records
    }

    fn learn(&mut self, mut rest: &[u8]) {
        let mut take = |bytes: usize| {
            let (head, tail) = rest.split_at_checked(bytes)?;
            rest = tail;
            Some(number(head))
        };
        while let Some(id) = take(2) {
            let count = take(2).expect("count");
            let fields = (0..count).map(|_| {
                let element = u16::try_from(take(2).expect("element")).expect("16 bits");
                let length = usize::try_from(take(2).expect("length")).expect("16 bits");
                let enterprise = match element >> 15 {
                    0 => 0,
                    _ => u32::try_from(take(4).expect("enterprise")).expect("32 bits"),
                };
                ((enterprise, element & 0x7fff), length)
            });
            let fields = fields.collect();
            self.templates.insert(u16::try_from(id).expect("16 bits"), fields);
        }
    }

    fn records(&self, id: u16, set: &[u8]) -> Vec<BTreeMap<Field, Vec<u8>>> {
        let template = &self.templates[&id];
        let length: usize = template.iter().map(|(_, length)| length).sum();
        assert_eq!(set.len() % length, 0, "padding");
        let record = |bytes: &[u8]| {
            let mut start = 0;
            let fields = template.iter().map(|&(field, length)| {
                start += length;
                (field, bytes[start - length..start].to_vec())
            });
            fields.collect()
        };
        set.chunks(length).map(record).collect()
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// What a record has to look like, from the registry of IANA.
fn expected(record: &FlowRecord) -> BTreeMap<Field, Vec<u8>> {
    let FlowRecord {
        original,
        reply,
        counts: [sent, received],
        started_at,
        ended_at,
        end_reason,
        ..
    } = record;
    let milliseconds = |at: OffsetDateTime| {
        let milliseconds = at.unix_timestamp_nanos() / 1_000_000;
        u64::try_from(milliseconds)
            .expect("after 1970")
            .to_be_bytes()
            .to_vec()
    };
    let address = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let port = |port: u16| port.to_be_bytes().to_vec();
    let count = |count: u64| count.to_be_bytes().to_vec();
    let ipv6 = original.source.is_ipv6();
    let either = |four, six| (0, if ipv6 { six } else { four });
    let mut fields = BTreeMap::from([
        ((0, 153), milliseconds(*ended_at)),
        (either(8, 27), address(original.source)),
        (either(12, 28), address(original.destination)),
        ((0, 4), vec![original.protocol]),
        ((0, 239), vec![1]),
        ((0, 1), count(sent.bytes)),
        ((0, 2), count(sent.packets)),
        ((REVERSE, 1), count(received.bytes)),
        ((REVERSE, 2), count(received.packets)),
    ]);
    let reason = match end_reason {
        EndReason::Timeout => 1,
        EndReason::Closed | EndReason::Reset => 3,
        EndReason::Killed | EndReason::Policy | EndReason::Removed => 4,
    };
    fields.insert((0, 136), vec![reason]);
    if let Some(at) = started_at {
        fields.insert((0, 152), milliseconds(*at));
    }
    let icmp = matches!(original.protocol, 1 | 58);
    if icmp {
        fields.insert(either(32, 139), port(original.destination_port));
    } else {
        fields.insert((0, 7), port(original.source_port));
        fields.insert((0, 11), port(original.destination_port));
    }
    let straight = if icmp {
        (reply.source, reply.destination) == (original.destination, original.source)
    } else {
        *reply == original.inverted()
    };
    if !straight {
        fields.insert(either(225, 281), address(reply.destination));
        fields.insert(either(226, 282), address(reply.source));
        if !icmp {
            fields.insert((0, 227), port(reply.destination_port));
            fields.insert((0, 228), port(reply.source_port));
        }
    }
    fields
}

fn at(milliseconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::milliseconds(milliseconds)
}

fn random_record(random: &mut Random) -> FlowRecord {
    let ipv6 = random.below(2) == 0;
    let address = |random: &mut Random| -> IpAddr {
        let octets = std::array::from_fn(|_| random.byte());
        if ipv6 {
            Ipv6Addr::from(octets).into()
        } else {
            Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).into()
        }
    };
    let port = |random: &mut Random| u16::from_be_bytes([random.byte(), random.byte()]);
    let protocol = if ipv6 {
        [6, 17, 58, 132, 47]
    } else {
        [6, 17, 1, 132, 47]
    }[random.below(5)];
    let has_ports = matches!(protocol, 6 | 17 | 132);
    let mut tuple = FlowTuple {
        source: address(random),
        destination: address(random),
        protocol,
        source_port: port(random),
        destination_port: port(random),
    };
    if protocol == 47 {
        (tuple.source_port, tuple.destination_port) = (0, 0);
    }
    let original = tuple;
    let mut reply = tuple.inverted();
    match random.below(4) {
        0 => reply.source = address(random),
        1 => reply.destination = address(random),
        2 if has_ports => reply.destination_port = port(random),
        _ => {}
    }
    let mut count = || FlowCount {
        packets: u64::from_be_bytes(std::array::from_fn(|_| random.byte())),
        bytes: u64::from_be_bytes(std::array::from_fn(|_| random.byte())),
    };
    let counts = [count(), count()];
    let start = i64::try_from(random.below(1 << 30)).expect("30 bits");
    let length = i64::try_from(random.below(1 << 30)).expect("30 bits");
    FlowRecord {
        original,
        reply,
        counts,
        started_at: (random.below(3) > 0).then(|| at(start)),
        ended_at: at(start + length),
        end_reason: EndReason::ALL[random.below(EndReason::ALL.len())],
        tcp_state: None,
        line: None,
        revision: Revision(1),
        from_zone: None,
        to_zone: None,
        offload: Offload::None,
        community_id: None,
    }
}

/// Sorted, as a session may send records in another order.
fn sorted(records: impl IntoIterator<Item = BTreeMap<Field, Vec<u8>>>) -> Vec<BTreeMap<Field, Vec<u8>>> {
    let mut records: Vec<_> = records.into_iter().collect();
    records.sort();
    records
}

#[test]
fn records_come_out_as_they_went_in() {
    let mut random = Random::seeded();
    for _ in 0..200 {
        let domain = u32::from(random.byte());
        let mut session = Session::new(domain);
        let mut collector = Collector::default();
        let templates = session.templates(at(0));
        assert_eq!(collector.read(&templates, domain, at(0)), []);
        for second in 0..3 {
            let now = at(second * 1000);
            let records: Vec<_> = (0..random.below(120))
                .map(|_| random_record(&mut random))
                .collect();
            let messages = session.messages(&records, now);
            let read: Vec<_> = messages
                .iter()
                .flat_map(|message| collector.read(message, domain, now))
                .collect();
            assert_eq!(sorted(read), sorted(records.iter().map(expected)));
            // Templates in between change nothing.
            assert_eq!(collector.read(&session.templates(now), domain, now), []);
        }
    }
}

#[test]
fn messages_are_full_and_empty_ones_are_not_made() {
    let mut random = Random::seeded();
    let record = random_record(&mut random);
    let mut session = Session::new(1);
    assert_eq!(session.messages(&[], at(0)), []);
    let messages = session.messages(&vec![record; 500], at(0));
    let (_, full) = messages.split_last().expect("some");
    let first = full.first().expect("several");
    let bytes = (first.bytes.len() - 20) / usize::try_from(first.records).expect("few");
    for message in full {
        assert!(
            message.bytes.len() + bytes > MAX_MESSAGE_BYTES,
            "room for one more"
        );
    }
}

#[test]
fn the_sequence_begins_anew_behind_its_last_number() {
    let mut random = Random::seeded();
    let mut session = Session::new(1);
    session.sequence = u32::MAX - 2;
    let mut collector = Collector {
        sequence: session.sequence,
        ..Collector::default()
    };
    collector.read(&session.templates(at(0)), 1, at(0));
    for _ in 0..3 {
        let records: Vec<_> = (0..2).map(|_| random_record(&mut random)).collect();
        for message in session.messages(&records, at(0)) {
            collector.read(&message, 1, at(0));
        }
    }
    assert_eq!(collector.sequence, 3);
}

#[test]
fn every_shape_has_a_template_of_its_own() {
    let mut collector = Collector::default();
    collector.read(&Session::new(1).templates(at(0)), 1, at(0));
    assert_eq!(collector.templates.len(), 16);
    let mut fields: Vec<_> = collector.templates.values().collect();
    fields.sort();
    fields.dedup();
    assert_eq!(fields.len(), 16);
}

/// Written by hand from RFC 7011 sections 3.1 and 3.3.
#[test]
fn a_message_is_byte_for_byte_as_the_standard_says() {
    let original = FlowTuple {
        source: Ipv4Addr::new(192, 0, 2, 1).into(),
        destination: Ipv4Addr::new(203, 0, 113, 9).into(),
        protocol: 6,
        source_port: 40_000,
        destination_port: 443,
    };
    let record = FlowRecord {
        reply: FlowTuple {
            destination: Ipv4Addr::new(198, 51, 100, 1).into(),
            destination_port: 61_000,
            ..original.inverted()
        },
        original,
        counts: [
            FlowCount {
                packets: 2,
                bytes: 0x0102,
            },
            FlowCount {
                packets: 3,
                bytes: 0x0304,
            },
        ],
        started_at: Some(OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(0x0001_0203)),
        ended_at: OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(0x0001_0305),
        end_reason: EndReason::Closed,
        ..random_record(&mut Random::seeded())
    };
    let mut session = Session::new(0x0a0b_0c0d);
    session.sequence = 0x11;
    let messages = session.messages(
        std::slice::from_ref(&record),
        OffsetDateTime::UNIX_EPOCH + Duration::seconds(0x6655_4433),
    );
    let bytes: &[u8] = &[
        0, 10, 0, 95, 0x66, 0x55, 0x44, 0x33, 0, 0, 0, 0x11, 10, 11, 12, 13, // header
        1, 10, 0, 79, // set of template 256 + 2 + 8
        0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0, 1, 3, 5, // times
        192, 0, 2, 1, 203, 0, 113, 9, 0x9c, 0x40, 1, 0xbb, // before translation
        6, 3, 1, // TCP, end of flow, initiator
        0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 2, // forward
        0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 3, // backward
        198, 51, 100, 1, 203, 0, 113, 9, 0xee, 0x48, 1, 0xbb, // behind translation
    ];
    assert_eq!(
        messages,
        [Message {
            bytes: bytes.to_vec(),
            records: 1
        }]
    );
    assert_eq!(session.sequence, 0x12);
}

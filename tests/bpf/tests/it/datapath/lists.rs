use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ravelin_compile::{AddressImage, AddressSource, NameImage, NameSource};
use ravelin_datapath::kernel::KernelDatapath;
use ravelin_datapath::{Datapath as _, DatapathError, Switches};
use ravelin_model::{DomainPattern, ListId};
use ravelin_test_harness::packet::{Packet, Query};

use super::rig::{Rig, WATCH, XDP_DROP, XDP_PASS, image, index_of, xdp};

const PROTECT: Switches = Switches {
    ddos_protection: true,
    ..WATCH
};

/// Two lists that share one prefix, before and behind which they differ, in both families.
const ODD: [&str; 6] = [
    "192.0.2.1/32",
    "203.0.113.0/24",
    "203.0.114.0/24",
    "2001:db8::1/128",
    "2001:db8:aa::/48",
    "2001:db8:ab::/48",
];
const EVEN: [&str; 6] = [
    "192.0.2.2/32",
    "203.0.113.0/24",
    "10.0.0.0/8",
    "2001:db8::2/128",
    "2001:db8:aa::/48",
    "fd00::/8",
];

#[test]
fn while_lists_are_swapped_no_packet_sees_a_mixture() {
    Rig::run(|rig| {
        let mut parts = rig.start(PROTECT);
        let wan0 = index_of("wan0");
        let (odd, even) = (image(&ODD), image(&EVEN));
        parts.datapath.load_addresses(&odd).unwrap();
        // A second handle to the same maps judges packets while the first swaps.
        let judge = rig.load().datapath;
        let frame = |source: &str| {
            let family = if source.contains(':') { 6 } else { 4 };
            Packet::udp(family, 1, 2, "x").from(source).build()
        };
        let always = [frame("203.0.113.7"), frame("2001:db8:aa::7")];
        let never = [frame("203.0.115.7"), frame("2001:db8:ac::7")];
        let done = &AtomicBool::new(false);
        let (swapped, judged) = std::thread::scope(|scope| {
            let judging = scope.spawn(move || {
                let mut judged = 0u64;
                while !done.load(Relaxed) {
                    for frame in &always {
                        assert_eq!(xdp(&judge, frame, 0), XDP_DROP, "both lists have it");
                    }
                    for frame in &never {
                        assert_eq!(xdp(&judge, frame, 0), XDP_PASS, "neither list has it");
                    }
                    judged += 4;
                }
                judged
            });
            let mut images = [&even, &odd].into_iter().cycle().take(200);
            let swapped = images.try_for_each(|image| parts.datapath.load_addresses(image));
            done.store(true, Relaxed);
            (swapped, judging.join())
        });
        swapped.unwrap();
        let judged = judged.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        eprintln!("{judged} packets judged during 200 swaps");
        assert!(judged > 200, "only {judged} packets: nothing was proven");
        let only_odd = frame("203.0.114.7");
        assert_eq!(xdp(&parts.datapath, &only_odd, wan0), XDP_DROP);
    });
}

#[test]
fn the_programs_find_what_the_image_finds() {
    Rig::run(|rig| {
        let mut parts = rig.start(PROTECT);
        let listed = [
            &ODD[..],
            &["0.0.0.0/5", "2001:db8:ab:1::/64", "255.255.255.255/32"],
        ]
        .concat();
        let image = image(&listed);
        parts.datapath.load_addresses(&image).unwrap();
        for address in [
            "7.255.255.255",
            "8.0.0.0",
            "192.0.2.1",
            "192.0.2.2",
            "203.0.112.255",
            "203.0.113.0",
            "203.0.114.255",
            "203.0.115.0",
            "255.255.255.254",
            "255.255.255.255",
            "2001:db8::",
            "2001:db8::1",
            "2001:db8:a9:ffff::",
            "2001:db8:aa::",
            "2001:db8:ab:1::1",
            "2001:db8:ac::",
            "::",
        ] {
            let family = if address.contains(':') { 6 } else { 4 };
            let frame = Packet::udp(family, 1, 2, "x").from(address).build();
            let expected = image
                .lookup(address.parse().unwrap(), 1)
                .map_or(XDP_PASS, |_| XDP_DROP);
            assert_eq!(xdp(&parts.datapath, &frame, 0), expected, "{address}");
        }
    });
}

#[test]
fn hits_are_counted_by_entry_and_reset() {
    Rig::run(|rig| {
        let mut parts = rig.start(PROTECT);
        parts
            .datapath
            .load_addresses(&image(&["203.0.113.0/24", "2001:db8:aa::/48"]))
            .unwrap();
        let frame = Packet::udp(6, 1, 2, "x").from("2001:db8:aa::1").build();
        for _ in 0..5 {
            xdp(&parts.datapath, &frame, 0);
        }
        let hits = parts.datapath.address_hits(&[1, 0]).unwrap();
        assert_eq!((hits[0].packets, hits[0].bytes), (5, 5 * frame.len() as u64));
        assert_eq!(hits[1].packets, 0);
        // All at once they are read another way.
        let all: Vec<u32> = (0..1000).collect();
        let hits = parts.datapath.address_hits(&all).unwrap();
        let counted: Vec<_> = (0..).zip(&hits).filter(|(_, hit)| hit.packets != 0).collect();
        assert_eq!(counted, [(1, &hits[1])]);
        assert_eq!((hits.len(), hits[1].packets), (1000, 5));
        parts.datapath.reset_address_hits(&[1]).unwrap();
        assert_eq!(parts.datapath.address_hits(&[1]).unwrap()[0].packets, 0);
        assert!(matches!(
            parts.datapath.address_hits(&[1000]),
            Err(DatapathError::UnknownCounter {
                counter: 1000,
                capacity: 1000
            })
        ));
    });
}

#[test]
fn a_list_at_capacity_fits_whatever_overlaps_and_one_more_is_refused() {
    Rig::run(|rig| {
        let mut parts = rig.start(PROTECT);
        let source = |n: u32, text: String| AddressSource {
            network: text.parse().unwrap(),
            expires_ns: 0,
            counter: n,
            list: 1,
        };
        // Each /32 splits what is left of the /0: the most ranges there can be.
        let mut sources = vec![source(0, "0.0.0.0/0".to_owned())];
        sources.extend((1..1000).map(|n| source(n, format!("10.0.{}.{}/32", n / 100, n % 100 * 2))));
        let full = AddressImage::build(&sources, 1000).unwrap();
        parts.datapath.load_addresses(&full).unwrap();
        sources.push(source(1000, "2001:db8::/32".to_owned()));
        let over = AddressImage::build(&sources, 1001).unwrap();
        assert!(matches!(
            parts.datapath.load_addresses(&over),
            Err(DatapathError::TooLarge(too_large)) if too_large.needed == 1001
        ));
    });
}

#[test]
fn every_name_of_a_full_table_is_found_and_counted_by_its_set() {
    Rig::run(|rig| {
        let mut parts = rig.start(Switches {
            dns_blocklist: true,
            dns_drop: true,
            ..WATCH
        });
        let list: ListId = ListId::DNS_BLOCKLIST.parse().unwrap();
        let names: Vec<DomainPattern> = (0..NameImage::capacity(64))
            .map(|n| format!("host{n}.Blocked{}.example", n % 7).parse().unwrap())
            .collect();
        let sources: Vec<_> = names
            .iter()
            .map(|pattern| NameSource { pattern, list: &list })
            .collect();
        assert_eq!(
            ask(&parts.datapath, "host0.blocked0.example"),
            XDP_PASS,
            "nothing is listed yet"
        );
        let image = NameImage::build(&sources, 0x0123_4567_89ab_cdef, 64).unwrap();
        parts.datapath.load_names(&image).unwrap();
        for pattern in &names {
            let name = pattern.name.as_str();
            assert_eq!(ask(&parts.datapath, name), XDP_DROP, "{name}");
            assert_eq!(
                ask(&parts.datapath, &format!("www.{name}")),
                XDP_DROP,
                "www.{name}"
            );
            assert_eq!(ask(&parts.datapath, &format!("x{name}")), XDP_PASS, "x{name}");
        }
        let hits = parts.datapath.name_hits(1).unwrap();
        let expected = names.len() as u64;
        assert_eq!((hits[0].0.packets, hits[0].1.packets), (expected, expected));

        parts.datapath.load_names(&image).unwrap();
        assert_eq!(
            parts.datapath.name_hits(1).unwrap()[0].0.packets,
            0,
            "they start anew"
        );
    });
}

/// What XDP returns for a query.
fn ask(datapath: &KernelDatapath, name: &str) -> u32 {
    let query = Query::new(name).build();
    xdp(datapath, &Packet::udp(4, 40000, 53, query).build(), 0)
}

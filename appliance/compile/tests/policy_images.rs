//! The images against the reference: whatever the ruleset, a packet gets the same from both.

use ravelin_compile::generate::{Random, Shape, World, packet, packet_to_published};
use ravelin_compile::{ImageReader, PolicyImages, PolicyPacket, Ruleset};

/// Whether the long form is asked for.
fn full() -> bool {
    std::env::var_os("RAVELIN_FULL").is_some()
}

/// The images of a ruleset, after some other ruleset or the first of all.
fn images(ruleset: &Ruleset, previous: Option<&PolicyImages>) -> PolicyImages {
    PolicyImages::build(ruleset, previous).expect("far below every limit")
}

fn check(ruleset: &Ruleset, reader: &ImageReader<'_>, packet: &PolicyPacket) {
    let decision = ruleset.evaluate(packet);
    let verdict = reader.classify(packet);
    assert_eq!(verdict.counter, decision.counter, "{packet:?}");
    assert_eq!(verdict.log, decision.log, "{packet:?}");
    let action = (!decision.rate_limited).then_some(decision.action);
    assert_eq!(verdict.action, action, "{packet:?}");
    if let Some(rule) = verdict.rule {
        assert_eq!(ruleset.lines[rule as usize].origin, decision.origin, "{packet:?}");
    }
}

fn check_translation(ruleset: &Ruleset, reader: &ImageReader<'_>, packet: &PolicyPacket) {
    let PolicyPacket {
        from,
        destination,
        protocol,
        destination_port: port,
        ..
    } = *packet;
    // No program translates packets of protocol 0.
    if protocol != 0 {
        let expected = ruleset
            .translate(from, destination, protocol, port)
            .map(|(_, to, port)| (to, port));
        assert_eq!(
            reader.translate(from, destination, protocol, port),
            expected,
            "{packet:?}"
        );
    }
}

#[test]
fn a_packet_gets_from_the_images_what_the_reference_says() {
    let mut random = Random::seeded();
    // (rulesets, rules of each, packets for each)
    let shapes = if full() {
        vec![(1000, 30, 500), (60, 400, 5000), (4, 10_000, 50_000)]
    } else {
        vec![(60, 30, 200), (4, 400, 1000)]
    };
    for (rulesets, rules, packets) in shapes {
        let mut previous = None;
        for _ in 0..rulesets {
            let ruleset = World::new(&mut random, &Shape::rules(rules)).resolve();
            let built = images(&ruleset, previous.as_ref());
            let reader = ImageReader::new(&built);
            for _ in 0..packets {
                check(&ruleset, &reader, &packet(&mut random, &ruleset));
            }
            for _ in 0..packets / 4 {
                if let Some(packet) = packet_to_published(&mut random, &ruleset) {
                    check_translation(&ruleset, &reader, &packet);
                }
            }
            for index in 0..200 {
                let zone = ruleset.zone_of_interface.get(&index).copied();
                assert_eq!(reader.zone_of(index), zone, "{index}");
            }
            previous = Some(built);
        }
    }
}

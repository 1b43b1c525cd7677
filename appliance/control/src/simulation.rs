//! What would become of a packet: by the loaded program and by the reference.

mod frame;

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use ravelin_compile::{
    Considered, CounterId, Decision, Mismatch, NotInForce, Origin, PolicyPacket, Ruleset, WhyNot,
    fixed_counter,
};
use ravelin_datapath::{Classification, Probe};
use ravelin_kernel::Link;
use ravelin_model::{LOCAL_ZONE, ZoneNumber};

use crate::snapshot::Enforced;
use crate::{
    Consideration, ControlError, ControlHandle, ProgramVerdict, ReferenceVerdict, SimulatedTranslation,
    Simulation, SimulationQuery, SimulationSource, ZoneRef,
};

impl ControlHandle {
    /// What would become of a packet, by the loaded program and by the reference.
    pub async fn simulate(&self, query: SimulationQuery) -> Result<Simulation, ControlError> {
        let now = self.now();
        let Some(enforced) = now.enforced.clone() else {
            return Err(cannot(
                "the policy is not enforced: no zone but 'local' has an interface",
            ));
        };
        if query.source.is_ipv4() != query.destination.is_ipv4() {
            return Err(cannot("source and destination are of different families"));
        }
        let (from, interface) = origin(&query.from, &enforced)?;
        let links = self.links.now().await;
        let link = interface.and_then(|index| links.iter().find(|link| link.index == index));
        let (probe, missing) = match (link, now.classifying) {
            (_, false) => (None, Some("the classifier is not at work".to_owned())),
            (None, true) => (None, Some("no interface of the zone is there".to_owned())),
            (Some(link), true) => self.probe(&query, link).await,
        };
        let simulation = judge(&query, &enforced, from, probe, missing, &links)?;
        if !simulation.agree {
            self.simulation_differences.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                source = %query.source,
                destination = %query.destination,
                by_program = ?simulation.by_program,
                by_reference = ?simulation.by_reference,
                "the loaded program and the reference disagree"
            );
        }
        Ok(simulation)
    }

    async fn probe(&self, query: &SimulationQuery, link: &Link) -> (Option<Probe>, Option<String>) {
        let frame = frame::of(query, link.hardware_address);
        let index = link.index;
        let probed = self
            .plane
            .call(move |datapath| datapath.probe(&frame, index))
            .await;
        match probed {
            Ok(probe) => (Some(probe), None),
            Err(error) => (None, Some(ravelin_model::chain(&error))),
        }
    }
}

fn cannot(why: &str) -> ControlError {
    ControlError::CannotSimulate(why.to_owned())
}

/// The zone a packet comes from, and the interface to ask the program with.
fn origin(from: &SimulationSource, enforced: &Enforced) -> Result<(ZoneNumber, Option<u32>), ControlError> {
    let Enforced {
        ruleset, inventory, ..
    } = enforced;
    match from {
        SimulationSource::Interface(name) => {
            let interface = inventory
                .interfaces
                .iter()
                .find(|interface| interface.name == *name);
            let interface = interface.ok_or_else(|| ControlError::UnknownInterface(name.clone()))?;
            let zone = ruleset.zone_of_interface.get(&interface.index);
            let zone = zone.ok_or_else(|| cannot("the interface is in no zone: its packets are dropped"))?;
            Ok((*zone, Some(interface.index)))
        }
        SimulationSource::Zone(id) => {
            let zone = ruleset.zones.values().find(|zone| zone.id == *id);
            let zone = zone.ok_or_else(|| cannot("the zone has no interfaces"))?.number;
            let mut interfaces = ruleset.zone_of_interface.iter();
            let interface = interfaces.find(|(_, of)| **of == zone).map(|(index, _)| *index);
            Ok((zone, interface))
        }
    }
}

fn judge(
    query: &SimulationQuery,
    enforced: &Enforced,
    from: ZoneNumber,
    probe: Option<Probe>,
    by_program_missing: Option<String>,
    links: &[Link],
) -> Result<Simulation, ControlError> {
    let ruleset = &enforced.ruleset;
    let translated = ruleset.translate(from, query.destination, query.protocol, query.destination_port);
    let translation = translated.map(|(entry, destination, destination_port)| SimulatedTranslation {
        origin: entry.origin.clone(),
        destination,
        destination_port,
    });
    let (destination, destination_port) = match &translation {
        Some(translation) => (translation.destination, translation.destination_port),
        None => (query.destination, query.destination_port),
    };
    let wanted = match &query.to {
        Some(id) => {
            let zone = ruleset.zones.values().find(|zone| zone.id == *id);
            Some(
                zone.ok_or_else(|| cannot("the zone it would leave by has no interfaces"))?
                    .number,
            )
        }
        None => None,
    };
    let by_routes = probe.as_ref().and_then(|probe| probe.to);
    let to = wanted
        .or(by_routes)
        .or_else(|| near(destination, ruleset, links))
        .ok_or_else(|| {
            cannot("the zone it would leave by is not known: it goes by routes nobody here reads, so name the zone")
        })?;
    let packet = |to| PolicyPacket {
        from,
        to,
        source: query.source,
        destination,
        protocol: query.protocol,
        source_port: query.source_port,
        destination_port,
        icmp: query.icmp,
    };
    let explanation = ruleset.explain(&packet(to));
    let by_program = probe.as_ref().map(|probe| program_verdict(probe, ruleset, query));
    let agree = probe.as_ref().is_none_or(|probe| {
        let to = probe.to.unwrap_or(to);
        agrees(
            probe,
            &ruleset.evaluate(&packet(to)),
            (destination, destination_port),
        )
    });
    let decision = explanation.decision;
    Ok(Simulation {
        action: decision.action,
        origin: decision.origin.clone(),
        from: zone_ref(from, ruleset)?,
        to: zone_ref(to, ruleset)?,
        translation,
        by_program,
        by_program_missing,
        by_reference: ReferenceVerdict {
            action: decision.action,
            origin: decision.origin.clone(),
        },
        agree,
        explanation: explanation
            .considered
            .into_iter()
            .map(consideration)
            .chain(std::iter::once(Consideration {
                origin: decision.origin,
                matched: true,
                mismatch: None,
            }))
            .collect(),
        revision: ruleset.revision,
    })
}

/// Whether the program says what the reference says. What it leaves to nftables, it says nothing of, but that it must
/// leave there.
fn agrees(probe: &Probe, decision: &Decision, destination: (IpAddr, u16)) -> bool {
    match probe.classification {
        Classification::None => true,
        Classification::Deferred => decision.rate_limited,
        Classification::Decided { action, counter } => {
            let moved = probe
                .destination
                .is_some_and(|address| (address, probe.destination_port) != destination);
            !decision.rate_limited && !moved && action == decision.action && counter == decision.counter
        }
    }
}

fn program_verdict(probe: &Probe, ruleset: &Ruleset, query: &SimulationQuery) -> ProgramVerdict {
    let (action, origin) = match probe.classification {
        Classification::None | Classification::Deferred => (None, None),
        Classification::Decided { action, counter } => (Some(action), origin_of(counter, ruleset)),
    };
    ProgramVerdict {
        action,
        origin,
        to: probe.to.and_then(|to| zone_ref(to, ruleset).ok()),
        destination: (
            probe.destination.unwrap_or(query.destination),
            probe.destination_port,
        ),
    }
}

fn origin_of(counter: CounterId, ruleset: &Ruleset) -> Option<Origin> {
    if counter == fixed_counter::UNWRITTEN_PAIR {
        return Some(Origin::UnwrittenPair);
    }
    let line = ruleset.lines.iter().find(|line| line.counter == counter);
    let default = || ruleset.defaults.values().find(|pair| pair.counter == counter);
    line.map(|line| line.origin.clone())
        .or_else(|| default().map(|pair| pair.origin.clone()))
}

/// The zone of a destination that needs no route: this box, or a network at one of its interfaces.
fn near(destination: IpAddr, ruleset: &Ruleset, links: &[Link]) -> Option<ZoneNumber> {
    let mut own = links.iter().flat_map(|link| &link.addresses);
    if own.any(|own| own.addr() == destination) {
        return Some(ZoneNumber::LOCAL);
    }
    let at = |link: &&Link| {
        let networks = link.addresses.iter().filter(|own| own.contains(&destination));
        networks.map(ipnet::IpNet::prefix_len).max()
    };
    let link = links.iter().filter(|link| at(link).is_some()).max_by_key(at)?;
    ruleset.zone_of_interface.get(&link.index).copied()
}

fn zone_ref(number: ZoneNumber, ruleset: &Ruleset) -> Result<ZoneRef, ControlError> {
    match ruleset.zones.get(&number) {
        Some(zone) => Ok(ZoneRef {
            id: zone.id.clone(),
            name: zone.name.clone(),
        }),
        None if number == ZoneNumber::LOCAL => Ok(ZoneRef {
            id: LOCAL_ZONE
                .parse()
                .map_err(|_| cannot("there is no zone 'local'"))?,
            name: "local".to_owned(),
        }),
        None => Err(cannot("the zone has no interfaces")),
    }
}

fn consideration(considered: Considered) -> Consideration {
    let why = match considered.why {
        WhyNot::Mismatch(Mismatch::FromZone) => "it is for packets from another zone",
        WhyNot::Mismatch(Mismatch::ToZone) => "it is for packets to another zone",
        WhyNot::Mismatch(Mismatch::Source) => "the source is not one of its addresses",
        WhyNot::Mismatch(Mismatch::Destination) => "the destination is not one of its addresses",
        WhyNot::Mismatch(Mismatch::Service) => {
            "the protocol, the ports or the ICMP type are not its services"
        }
        WhyNot::NotInForce(NotInForce::Disabled) => "it is not enabled",
        WhyNot::NotInForce(NotInForce::Expired) => "its time is over",
        WhyNot::NotInForce(NotInForce::OffSchedule) => "its schedule says not now",
        WhyNot::NotInForce(NotInForce::Zone) => "a zone it names has no interfaces",
        WhyNot::NotInForce(NotInForce::Reference) => "it names something that has no meaning here",
    };
    Consideration {
        origin: considered.origin,
        matched: false,
        mismatch: Some(why.to_owned()),
    }
}

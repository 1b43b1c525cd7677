//! The comparison and its rounds, held to a model of the kernel.

mod model;
mod orders;
mod plans;
mod real;

use std::collections::BTreeSet;

use ravelin_compile::generate::Random;
use ravelin_model::{NetworkPart, NetworkPlan, OWN_PROTOCOL, RouteTarget, VirtualLink, WantedRoute};

use super::bring::bring;
use super::present::{Kind, Present, PresentRoute, RouteKey, Way, plain_rule};
use model::Model;
use plans::Kinds;

/// Random plans of one test.
const PLANS: usize = 400;

/// Brings the model to the plan and checks that it is there, by another reading of the plan than the comparison's.
#[track_caller]
fn check(model: &mut Model, plan: &NetworkPlan) {
    let before = model.present.clone();
    model.made.clear();
    let faults = bring(model, plan).expect("never fails");
    // Refused, and of no consequence where the rounds go on.
    let consequence: Vec<_> = faults
        .iter()
        .filter(|fault| !fault.reason.contains("read-only"))
        .collect();
    assert!(
        consequence.is_empty(),
        "{consequence:#?}\n{plan:#?}\n{before:#?}\n{:#?}",
        model.made
    );
    assert_eq!(
        lacks(plan, &model.present),
        Vec::<String>::new(),
        "{plan:#?}\n{before:#?}\n{:#?}",
        model.made
    );
    model.made.clear();
    bring(model, plan).expect("never fails");
    assert_eq!(model.made, [], "done twice: {plan:#?}");
}

/// What of the plan the kernel does not have, or has and the plan has not.
fn lacks(plan: &NetworkPlan, present: &Present) -> Vec<String> {
    let mut lacks = Vec::new();
    let named = |name: &str| present.links.values().find(|link| link.name == name);
    for wanted in &plan.links {
        let Some(link) = named(&wanted.name) else {
            lacks.push(format!("link {}", wanted.name));
            continue;
        };
        let is = match &wanted.virtual_link {
            None => !link.own,
            Some(VirtualLink::Vlan { parent, id }) => {
                let parent = named(parent).map(|parent| parent.index);
                link.own && link.kind == Kind::Vlan { parent, id: id.get() }
            }
            Some(VirtualLink::Bridge { spanning_tree, .. }) => {
                let spanning_tree = *spanning_tree;
                link.own && link.kind == Kind::Bridge { spanning_tree }
            }
            Some(VirtualLink::Bond { mode, .. }) => link.own && link.kind == Kind::Bond { mode: Some(*mode) },
        };
        let up = wanted.enabled.is_none_or(|up| up == link.up);
        let mtu = wanted.mtu_bytes.is_none_or(|mtu| mtu == link.mtu_bytes);
        let silent = wanted.enabled != Some(true) || link.takes_advertisements != Some(true);
        if !is || !up || !mtu || !silent {
            lacks.push(format!("{link:?}"));
        }
        if let Some(VirtualLink::Bridge { ports, .. } | VirtualLink::Bond { ports, .. }) =
            &wanted.virtual_link
        {
            let wanted: BTreeSet<&str> = ports.iter().map(String::as_str).collect();
            let has = present
                .links
                .values()
                .filter(|port| port.master == Some(link.index));
            let has: BTreeSet<&str> = has.map(|port| port.name.as_str()).collect();
            if wanted != has {
                lacks.push(format!("ports of {}: {has:?}", link.name));
            }
        }
        let lacking = wanted.addresses.iter().filter(|address| {
            let mut there = present.addresses.iter();
            !there.any(|there| there.link == link.index && there.network == **address)
        });
        lacks.extend(lacking.map(|address| format!("{address} of {}", link.name)));
    }
    for link in present.links.values().filter(|link| link.own) {
        if !plan
            .links
            .iter()
            .any(|wanted| wanted.name == link.name && wanted.virtual_link.is_some())
        {
            lacks.push(format!("too much: {}", link.name));
        }
    }
    for address in present.addresses.iter().filter(|address| address.own) {
        let name = present.name(address.link);
        let mut links = plan.links.iter().filter(|link| link.name == name);
        if !links.any(|link| link.addresses.contains(&address.network)) {
            lacks.push(format!("too much: {address:?}"));
        }
    }
    let own: Vec<_> = present.routes.iter().filter(|route| route.own()).collect();
    for wanted in &plan.routes {
        if !own.iter().any(|there| is_route(wanted, there, present)) {
            lacks.push(format!("{wanted:?}"));
        }
    }
    if own.len() != plan.routes.len() {
        lacks.push(format!("too much among {own:?}"));
    }
    let rules: BTreeSet<_> = plan.rules.iter().map(plain_rule).collect();
    if present.rules.len() != rules.len() || !present.rules.iter().all(|rule| rules.contains(rule)) {
        lacks.push(format!("rules {:?}", present.rules));
    }
    lacks
}

fn is_route(wanted: &WantedRoute, there: &PresentRoute, present: &Present) -> bool {
    let by = |name: &str, index: u32| present.name(index) == name;
    let way = match (&wanted.target, there.way) {
        (RouteTarget::Gateway { gateway, interface }, Way::Gateway(to, index)) => {
            let on = |index| {
                let mut addresses = present.addresses.iter();
                addresses.any(|address| address.link == index && address.network.contains(gateway))
            };
            *gateway == to
                && interface
                    .as_deref()
                    .map_or_else(|| on(index), |name| by(name, index))
        }
        (RouteTarget::Interface(name), Way::Interface(index)) => by(name, index),
        (RouteTarget::Blackhole, Way::Blackhole) | (RouteTarget::Unreachable, Way::Unreachable) => true,
        _ => false,
    };
    RouteKey::of(wanted) == there.key && way && wanted.mtu_bytes == there.mtu_bytes
}

/// Addresses of others that no change of a link takes along.
fn others(present: &Present) -> BTreeSet<(String, String)> {
    let others = present.addresses.iter().filter(|address| !address.own);
    let lasting = others.filter(|address| address.network.addr().is_ipv4());
    lasting
        .map(|address| (present.name(address.link), address.network.to_string()))
        .collect()
}

#[test]
fn every_plan_is_brought_about_and_the_same_again_is_nothing() {
    let mut random = Random::seeded();
    let mut model = plans::kernel(&mut random);
    for at in 0..PLANS {
        if at % 20 == 0 {
            model = plans::kernel(&mut random);
        }
        let plan = plans::plan(&mut random, &model.present, Kinds::ALL);
        let before = others(&model.present);
        check(&mut model, &plan);
        if !model.never_promotes {
            assert_eq!(others(&model.present), before, "{plan:#?}");
        }
        assert!(model.link("foreign").is_some_and(|link| !link.own));
    }
    check(&mut model, &NetworkPlan::default());
}

#[test]
fn an_end_at_any_change_is_mended_by_the_next_plan() {
    let mut random = Random::seeded();
    for _ in 0..PLANS / 20 {
        let mut model = plans::kernel(&mut random);
        let first = plans::plan(&mut random, &model.present, Kinds::ALL);
        check(&mut model, &first);
        let second = plans::plan(&mut random, &model.present, Kinds::ALL);
        let mut whole = model.clone();
        whole.made.clear();
        bring(&mut whole, &second).expect("never fails");
        for changes in 0..whole.made.len() {
            let mut killed = model.clone();
            killed.left = Some(changes);
            bring(&mut killed, &second).expect("never fails");
            killed.left = None;
            // Back again, on, or to something else.
            let next = match random.below(3) {
                0 => first.clone(),
                1 => second.clone(),
                _ => plans::plan(&mut random, &killed.present, Kinds::ALL),
            };
            check(&mut killed, &next);
        }
    }
}

#[test]
fn a_change_that_fails_holds_up_no_other() {
    let mut random = Random::seeded();
    for _ in 0..PLANS / 4 {
        let mut model = plans::kernel(&mut random);
        let mut plan = plans::plan(&mut random, &model.present, Kinds::ALL);
        let sound = plan.clone();
        let unreachable = WantedRoute {
            destination: "203.0.113.0/24".parse().expect("network"),
            table: 254,
            metric: 7,
            target: RouteTarget::Gateway {
                gateway: "192.0.2.254".parse().expect("address"),
                interface: None,
            },
            mtu_bytes: None,
        };
        plan.routes
            .insert(random.below(plan.routes.len() + 1), unreachable.clone());
        let faults = bring(&mut model, &plan).expect("never fails");
        let faults: Vec<_> = faults
            .iter()
            .filter(|fault| !fault.reason.contains("read-only"))
            .collect();
        let parts: Vec<_> = faults.iter().map(|fault| (&fault.part, fault.waiting)).collect();
        assert_eq!(parts, [(&NetworkPart::Route(unreachable), true)]);
        assert_eq!(lacks(&sound, &model.present), Vec::<String>::new());
    }
}

#[test]
fn a_place_another_takes_is_given_up() {
    let mut model = Model::default();
    let index = model.plug("eth0").index;
    let way = Way::Interface(index);
    let wanted = WantedRoute {
        destination: "198.51.100.0/24".parse().expect("network"),
        table: 254,
        metric: 7,
        target: RouteTarget::Blackhole,
        mtu_bytes: None,
    };
    let theirs = PresentRoute {
        key: RouteKey::of(&wanted),
        protocol: 16,
        way,
        mtu_bytes: None,
    };
    let ours = PresentRoute {
        protocol: OWN_PROTOCOL,
        ..theirs.clone()
    };
    model.present.routes = vec![ours, theirs.clone()];
    let plan = NetworkPlan {
        routes: vec![wanted.clone()],
        ..NetworkPlan::default()
    };
    let faults = bring(&mut model, &plan).expect("never fails");
    assert_eq!(model.present.routes, [theirs]);
    let parts: Vec<_> = faults.iter().map(|fault| (&fault.part, fault.waiting)).collect();
    assert_eq!(parts, [(&NetworkPart::Route(wanted), false)]);
}

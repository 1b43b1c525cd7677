use std::collections::BTreeSet;
use std::time::Duration;

use ravelin_flows::FlowsError;
use ravelin_flows::live::{FlowCursor, FlowEnd, FlowId, FlowKill, FlowQuery, FlowSort, FlowView};
use ravelin_kernel::ConntrackSettings;
use ravelin_model::{
    ConntrackSyncConfig, FlowFilter, FlowSettings, FlowState, NatMatch, Offload, SyncState, TcpState,
    VerdictLine, protocol,
};
use tokio::task::JoinSet;

use crate::rig::{DNS, TIMEOUT, WEB, World, connection, kinds, make, now, run, tuple};

fn zone(end: Option<&FlowEnd>) -> Option<(&str, Option<&str>)> {
    let end = end?;
    let zone = end.zone.as_ref().map_or("none", |(_, name)| name);
    Some((zone, end.interface.as_deref()))
}

#[test]
fn a_connection_is_shown_with_all_that_is_known() {
    run(|world| async move {
        world.judge.send_replace(Some(world.policy(&[WEB])));
        let kinds = kinds();
        make(kinds.values());
        let shown = world.list(FlowFilter::default()).await;
        assert_eq!(shown.len(), kinds.len());
        let find = |name: &str| {
            let original = kinds[name].original;
            let found = shown.iter().find(|view| view.original == original);
            found.unwrap_or_else(|| panic!("{name} is missing"))
        };
        let web = find("web");
        assert_eq!(web.reply, kinds["web"].reply);
        assert_eq!(web.state, FlowState::Tcp(TcpState::Established));
        assert_eq!(web.line, Some(VerdictLine::Rule("rul_100".parse().expect("id"))));
        assert_eq!(web.offload, Offload::None);
        assert_eq!(web.offload_reason.as_deref(), Some("conntrack_sync is off"));
        let left = web.timeout_seconds.expect("time-out");
        assert!((TIMEOUT - 60..=TIMEOUT).contains(&left), "{left}");
        // Of the time-out a packet renews, the rest is gone.
        let whole = ConntrackSettings::read()
            .expect("settings")
            .tcp_established_timeout;
        assert_eq!(web.idle, Some(whole - Duration::from_secs(left.into())));
        assert_eq!(find("dns").idle, None, "more is left than a packet gives");
        // Its rule is not there.
        assert_eq!(find("dns").line, None);
        assert_eq!(find("dns").state, FlowState::Assured);
        for (name, from, to) in [
            ("web", Some(("lan", Some("lan0"))), Some(("wan", Some("wan0")))),
            ("web6", Some(("lan", Some("lan0"))), Some(("wan", Some("wan0")))),
            (
                "published",
                Some(("wan", Some("wan0"))),
                Some(("lan", Some("lan0"))),
            ),
            ("shell", Some(("wan", Some("wan0"))), Some(("local", None))),
            ("own", Some(("local", None)), Some(("wan", Some("wan0")))),
            ("itself", Some(("local", None)), Some(("local", None))),
            ("lost", Some(("lan", Some("lan0"))), None),
        ] {
            let view = find(name);
            assert_eq!(
                (zone(view.from.as_ref()), zone(view.to.as_ref())),
                (from, to),
                "{name}"
            );
        }
    });
}

#[test]
fn filters_show_what_fits() {
    run(|world| async move {
        world.judge.send_replace(Some(world.policy(&[WEB, DNS])));
        let kinds = kinds();
        make(kinds.values());
        let none = FlowFilter::default;
        let zone = |name: &str| FlowFilter {
            zone: format!("zon_{name}").parse().ok(),
            ..none()
        };
        let udp = FlowFilter {
            protocol: Some(protocol::UDP),
            ..none()
        };
        let rule = FlowFilter {
            rule: "rul_101".parse().ok(),
            ..none()
        };
        let nat = |nat| FlowFilter {
            nat: Some(nat),
            ..none()
        };
        let offload = |offload| FlowFilter {
            offload: Some(offload),
            ..none()
        };
        let v6 = FlowFilter {
            address: "fd00::/8".parse().ok(),
            ..none()
        };
        for (filter, expected) in [
            (zone("lan"), &["dns", "lost", "published", "web", "web6"][..]),
            (zone("local"), &["itself", "own", "shell"]),
            (zone("elsewhere"), &[]),
            (udp, &["dns", "lost", "own"]),
            (rule, &["dns", "lost"]),
            (nat(NatMatch::Source), &["web"]),
            (nat(NatMatch::Destination), &["published"]),
            (offload(Offload::Xdp), &[]),
            (v6, &["web6"]),
        ] {
            let found = world.list(filter.clone()).await;
            let name = |view: &FlowView| {
                let mut kinds = kinds.iter();
                let kind = kinds.find(|(_, kind)| kind.original == view.original);
                *kind.expect("one that was made").0
            };
            let found: BTreeSet<&str> = found.iter().map(name).collect();
            assert_eq!(found, expected.iter().copied().collect(), "{filter:?}");
        }
    });
}

#[test]
fn an_id_finds_its_connection_and_no_later_one() {
    run(|world| async move {
        let web = kinds()["web6"];
        make([&web]);
        let listed = world.list(FlowFilter::default()).await;
        let [view] = &listed[..] else { panic!("{listed:?}") };
        let id: FlowId = view.id.to_string().parse().expect("id");
        let found = world.flows.flow(id).await.expect("asked").expect("found");
        assert_eq!((found.original, found.id), (web.original, view.id));
        assert!(found.rate.is_some());
        let later = FlowId {
            number: id.number.wrapping_add(1),
            ..id
        };
        assert_eq!(world.flows.flow(later).await.expect("asked"), None);
        let elsewhere = FlowId { zone: 7, ..id };
        assert_eq!(world.flows.flow(elsewhere).await.expect("asked"), None);
        // By the tuple of the replies conntrack finds it too, but that is not its name.
        let inverted = FlowId {
            original: id.original.inverted(),
            ..id
        };
        assert_eq!(world.flows.flow(inverted).await.expect("asked"), None);
        assert!(world.flows.kill_one(id, false).await.expect("asked"));
        assert_eq!(now(&web), None);
        assert_eq!(world.flows.flow(id).await.expect("asked"), None);
    });
}

/// Every page until the last.
async fn turn(world: &World, sort: FlowSort, descending: bool) -> Vec<FlowView> {
    let (mut seen, mut after) = (Vec::new(), None::<FlowCursor>);
    loop {
        let query = FlowQuery {
            filter: FlowFilter::default(),
            sort,
            descending,
            after,
            limit: 700,
        };
        let page = world.flows.flows(query).await.expect("page");
        seen.extend(page.items);
        after = page.next;
        if after.is_none() {
            return seen;
        }
    }
}

#[test]
fn pages_of_every_order_are_complete() {
    run(|world| async move {
        let many: Vec<_> = (0..2_000_u16)
            .map(|n| {
                let source = format!("10.1.{}.{}:4000", n / 250, n % 250 + 1);
                connection(tuple(protocol::UDP, &source, "203.0.113.7:53"), DNS)
            })
            .collect();
        make(&many);
        let expected: BTreeSet<_> = many.iter().map(|connection| connection.original).collect();
        for sort in FlowSort::ALL {
            for descending in [true, false] {
                let seen = turn(&world, sort, descending).await;
                assert_eq!(seen.len(), many.len(), "{sort:?}");
                let different: BTreeSet<_> = seen.iter().map(|view| view.original).collect();
                assert!(different == expected, "{sort:?}");
                let window = seen[0].rate.expect("rate").window;
                assert!(window >= Duration::from_secs(1), "{window:?}");
            }
        }
    });
}

#[test]
fn what_the_cache_knows_is_said_and_a_kill_reaches_it() {
    run(|world| async move {
        world.judge.send_replace(Some(world.policy(&[WEB])));
        let kinds = kinds();
        make(kinds.values());
        world.settings.send_replace(FlowSettings {
            sync: Some(ConntrackSyncConfig::default()),
            offload: true,
            ..FlowSettings::default()
        });
        let synced = world
            .flows
            .sync()
            .wait_for(|status| status.state == SyncState::Synced)
            .await
            .is_ok();
        assert!(synced);
        let cache = world.flows.cache_reader().expect("cache");
        assert!(cache.get(&kinds["web6"].original).is_some());
        let shown = world.list(FlowFilter::default()).await;
        let reason = |name: &str| {
            let found = shown.iter().find(|view| view.original == kinds[name].original);
            let found = found.expect("it is listed");
            assert_eq!(found.offload, Offload::None);
            found.offload_reason.as_deref().expect("reason")
        };
        assert_eq!(
            reason("web6"),
            "no packet was seen since the ways were last learned"
        );
        assert_eq!(reason("shell"), "it begins or ends on this box");
        assert_eq!(
            world
                .flows
                .tally()
                .expect("of the listing")
                .0
                .counts()
                .map(|(.., count)| count)
                .sum::<u64>(),
            8
        );
        let web = world.flows.kill(FlowKill {
            filter: FlowFilter {
                port: Some(443),
                ..FlowFilter::default()
            },
            reset: true,
            dry_run: false,
        });
        assert_eq!(web.await.expect("asked").killed, 2);
        assert!(cache.get(&kinds["web6"].original).is_none());
        assert!(now(&kinds["web6"]).is_some(), "it stays to be reset");
    });
}

#[test]
fn too_many_at_once_are_sent_away() {
    run(|world| async move {
        let kinds = kinds();
        make(kinds.values());
        let mut asked = JoinSet::new();
        for _ in 0..20 {
            let flows = world.flows.clone();
            asked.spawn(async move {
                let query = FlowQuery {
                    filter: FlowFilter::default(),
                    sort: FlowSort::Name,
                    descending: true,
                    after: None,
                    limit: 1,
                };
                flows.flows(query).await
            });
        }
        let (mut shown, mut busy) = (0, 0);
        while let Some(answer) = asked.join_next().await {
            match answer.expect("no panic") {
                Ok(page) => {
                    assert_eq!(page.matched, 8);
                    shown += 1;
                }
                Err(FlowsError::Busy) => busy += 1,
                Err(error) => panic!("{error}"),
            }
        }
        // The first takes a second, so that others come meanwhile.
        assert!(shown >= 8 && busy > 0, "{shown} and {busy}");
        assert_eq!(world.list(FlowFilter::default()).await.len(), 8);
    });
}

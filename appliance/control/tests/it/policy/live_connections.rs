//! What a commit does to connections that live already: judged last, told in the answer, never a reason to undo it.

use std::time::Duration;

use ravelin_control::{CommitOptions, CommitStep, Config, LiveReport, Operation, PolicyOperation};
use ravelin_model::{
    Action, AddressMatch, CutFlow, Event, Feature, FlowTuple, ListKind, LiveFlows, Revision, VerdictLine,
    protocol,
};
use ravelin_store::Store;

use super::{ANY, commit, pair, rule, rule_id, rule_spec, try_commit, zone, zone_id, zoned};
use crate::datapath::{Call, Judgement};
use crate::engine::{Engine, actor, wait_for};

fn quick() -> Config {
    Config {
        reconcile_every: Duration::from_millis(10),
        ..Config::default()
    }
}

async fn engine() -> Engine {
    Engine::with(Store::in_memory().await.expect("store"), quick(), |_| {}).await
}

/// Ten connections, of which one is cut.
fn one_of_ten() -> LiveFlows {
    let original = FlowTuple {
        source: "192.168.0.10".parse().expect("address"),
        destination: "203.0.113.9".parse().expect("address"),
        protocol: protocol::TCP,
        source_port: 40_000,
        destination_port: 80,
    };
    let cut = CutFlow {
        original,
        reply: original.inverted(),
        from_zone: Some(zone_id("lan")),
        to_zone: Some(zone_id("wan")),
        line: VerdictLine::UnwrittenPair,
    };
    LiveFlows {
        kept: 9,
        cut: 1,
        unjudged: 2,
        sample: vec![cut],
        duration: Duration::from_millis(3),
    }
}

fn cut_by(revision: u64) -> Judgement {
    Judgement {
        by: Some(Revision(revision)),
        cut: true,
        filter: Some(Revision(revision)),
    }
}

async fn told(engine: &Engine, wanted: u64) -> (u64, u64, Option<String>) {
    let mut events = engine.control.subscribe(Some(0));
    wait_for(&mut events, |event| match event {
        Event::LiveFlowsJudged {
            revision,
            kept,
            cut,
            problem,
            ..
        } if *revision == Revision(wanted) => Some((*kept, *cut, problem.clone())),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn connections_are_judged_once_the_policy_is_in_force_and_stored() {
    let engine = engine().await;
    engine.plane.now().connections.outcome = Some(Ok(one_of_ten()));
    let committed = zoned(&engine).await;
    assert_eq!(committed.live_flows, LiveReport::Judged(one_of_ten()));
    let last = committed.steps.last().map(|(step, _)| *step);
    assert_eq!(last, Some(CommitStep::Judge));
    assert_eq!(engine.plane.judgements(), [cut_by(1)]);
    assert_eq!(told(&engine, 1).await, (9, 1, None));
    let metrics = engine.control.policy_metrics().await.expect("metrics");
    assert_eq!(
        (
            metrics.judgements,
            metrics.failed_judgements,
            metrics.cut_connections
        ),
        ((1, Duration::from_millis(3)), 0, 1)
    );
}

#[tokio::test]
async fn whoever_follows_connections_hears_of_every_policy() {
    let engine = engine().await;
    let judge = |engine: &Engine| {
        let judge = engine.judge.borrow().clone();
        judge.map(|judge| judge.ruleset().revision)
    };
    assert_eq!(judge(&engine), None);
    zoned(&engine).await;
    assert_eq!(judge(&engine), Some(Revision(1)));
    commit(&engine, vec![rule("web", Action::Accept, 80)]).await;
    assert_eq!(judge(&engine), Some(Revision(2)));
    let delete = |name| {
        PolicyOperation::Zone(Operation::Delete {
            id: zone_id(name),
            precondition: ANY,
        })
    };
    engine.plane.judgements();
    let committed = commit(&engine, vec![delete("lan"), delete("wan")]).await;
    assert_eq!(judge(&engine), None);
    assert_eq!(committed.live_flows, LiveReport::Judged(LiveFlows::default()));
    let by_none = Judgement {
        by: None,
        cut: true,
        filter: None,
    };
    assert_eq!(engine.plane.judgements(), [by_none], "all are kept, and counted");
}

#[tokio::test]
async fn a_dry_run_judges_by_what_would_be_and_ends_nothing() {
    let engine = engine().await;
    zoned(&engine).await;
    engine.plane.now().connections.outcome = Some(Ok(one_of_ten()));
    engine.plane.judgements();
    let options = CommitOptions {
        dry_run: true,
        ..CommitOptions::default()
    };
    let operations = vec![rule("web", Action::Drop, 80)];
    let proposed = engine
        .control
        .commit_policy(operations, options, &actor())
        .await
        .expect("a dry run");
    assert_eq!(proposed.live_flows, LiveReport::Judged(one_of_ten()));
    let only_looked = Judgement {
        by: Some(Revision(2)),
        cut: false,
        filter: Some(Revision(1)),
    };
    assert_eq!(engine.plane.judgements(), [only_looked]);
    let judge = engine.judge.borrow().clone().expect("a policy");
    assert_eq!(
        judge.ruleset().revision,
        Revision(1),
        "what is proposed is told to nobody"
    );
}

#[tokio::test]
async fn what_cannot_be_judged_is_told_and_undoes_nothing() {
    let engine = engine().await;
    let problem = "conntrack cannot be read".to_owned();
    engine.plane.now().connections.outcome = Some(Err(problem.clone()));
    let committed = zoned(&engine).await;
    assert_eq!(committed.live_flows, LiveReport::Failed(problem.clone()));
    assert_eq!(committed.revision, Revision(1));
    assert!(engine.control.policy().enforced);
    assert_eq!(told(&engine, 1).await, (0, 0, Some(problem)));
    let metrics = engine.control.policy_metrics().await.expect("metrics");
    assert_eq!((metrics.failed_judgements, metrics.commits.0), (1, 1));
}

#[tokio::test]
async fn what_is_refused_or_says_the_same_judges_nothing() {
    let engine = engine().await;
    zoned(&engine).await;
    commit(&engine, vec![rule("web", Action::Accept, 80)]).await;
    engine.plane.judgements();
    engine.plane.now().refuse.insert(Call::Policy);
    let refused = try_commit(&engine, vec![rule("mail", Action::Drop, 25)]).await;
    assert!(refused.is_err());
    engine.plane.now().refuse.clear();
    let same = PolicyOperation::Rule(Operation::Replace {
        id: rule_id("web"),
        spec: rule_spec("web", Action::Accept, 80),
        precondition: ANY,
    });
    assert_eq!(
        commit(&engine, vec![same]).await.live_flows,
        LiveReport::NotJudged
    );
    engine
        .control
        .set_enabled(Feature::FlowMonitoring, false, &actor())
        .await
        .expect("switch");
    assert_eq!(engine.plane.judgements(), []);
    let judge = engine.judge.borrow().clone().expect("a policy");
    assert_eq!(
        judge.ruleset().revision,
        Revision(2),
        "the old policy is what holds"
    );
}

#[tokio::test]
async fn entries_of_lists_that_rules_name_judge_connections_and_others_do_not() {
    let engine = engine().await;
    zoned(&engine).await;
    let list = engine.create("office", ListKind::Address).await;
    let other = engine.create("other", ListKind::Address).await;
    let mut spec = rule_spec("office", Action::Accept, 80);
    spec.source = AddressMatch {
        lists: vec![list.id.clone()],
        ..AddressMatch::default()
    };
    commit(
        &engine,
        vec![PolicyOperation::Rule(Operation::Create { id: None, spec })],
    )
    .await;
    engine.plane.now().connections.outcome = Some(Ok(one_of_ten()));
    engine.plane.judgements();
    let expected = LiveReport::Judged(one_of_ten());
    let values = vec![crate::engine::value("192.168.0.0/24")];
    let added = engine
        .control
        .add_entries(&list.id, values, &actor())
        .await
        .expect("add");
    assert_eq!(added.live_flows, expected);
    let entry = added.value.1[0].id;
    let deleted = engine
        .control
        .delete_entry(&list.id, entry, &actor())
        .await
        .expect("delete");
    assert_eq!(deleted.live_flows, expected);
    assert_eq!(
        engine.import(list.id.as_str(), "10.0.0.0/8\n").await.live_flows,
        expected
    );
    let judged = engine.plane.judgements();
    assert!(
        judged.len() == 3 && judged.iter().all(|judgement| judgement.cut),
        "{judged:?}"
    );
    let unrelated = engine.import(other.id.as_str(), "10.0.0.0/8\n").await;
    assert_eq!(unrelated.live_flows, LiveReport::NotJudged);
    assert_eq!(engine.plane.judgements(), []);
}

#[tokio::test]
async fn what_is_taken_back_and_what_time_ends_is_judged_and_told() {
    let engine = engine().await;
    zoned(&engine).await;
    let mut spec = rule_spec("until tomorrow", Action::Accept, 81);
    spec.expires_at = Some(time::OffsetDateTime::now_utc() + time::Duration::days(1));
    commit(
        &engine,
        vec![PolicyOperation::Rule(Operation::Create { id: None, spec })],
    )
    .await;
    let options = CommitOptions {
        confirm_within: Some(Duration::from_secs(60)),
        ..CommitOptions::default()
    };
    let new = vec![pair("lan", "wan", Action::Accept)];
    engine
        .control
        .commit_policy(new, options, &actor())
        .await
        .expect("commit");
    engine.plane.now().connections.outcome = Some(Ok(one_of_ten()));
    engine.ahead.send_replace(time::Duration::seconds(61));
    assert_eq!(told(&engine, 4).await, (9, 1, None), "taken back");
    engine.plane.judgements();
    let mut events = engine.control.subscribe(None);
    engine.ahead.send_replace(time::Duration::hours(25));
    wait_for(&mut events, |event| {
        matches!(event, Event::LiveFlowsJudged { .. }).then_some(())
    })
    .await;
    let judged = engine.plane.judgements();
    assert!(judged.contains(&cut_by(4)), "{judged:?}");
}

#[tokio::test]
async fn interfaces_that_come_late_cost_no_connection() {
    let engine = engine().await;
    commit(
        &engine,
        vec![zone("lan", &["lan0"]), zone("wan", &["wan0", "ppp0"])],
    )
    .await;
    engine.plane.judgements();
    let mut judge = engine.judge.clone();
    judge.borrow_and_update();
    engine.links.send_replace(crate::engine::links(&[
        ("lo", 1),
        ("lan0", 2),
        ("wan0", 3),
        ("ppp0", 9),
    ]));
    judge.changed().await.expect("told");
    let told = judge.borrow().clone().expect("a policy");
    assert!(told.zone_of(9).is_some());
    assert_eq!(engine.plane.judgements(), []);
}

//! Figures of the policy.

use std::fmt;

use ravelin_control::{Hits, PolicyMetrics, ZoneRef};

use super::families::Families;

/// Writes what the policy counted and how long commits took.
pub(super) fn write(to: &mut Families<'_>, metrics: &PolicyMetrics) -> fmt::Result {
    let PolicyMetrics {
        hits,
        compilations,
        commits,
        last_commit,
        failed_commits,
        judgements,
        failed_judgements,
        cut_connections,
        simulation_differences,
        verdicts_lost,
    } = metrics;
    let samples = |value: fn(&Hits) -> u64| {
        hits.iter().map(move |(action, from, to, hits)| {
            let labels = vec![
                ("action", action.name()),
                ("from_zone", zone(from.as_ref())),
                ("to_zone", zone(to.as_ref())),
            ];
            (labels, value(hits))
        })
    };
    to.counters(
        "policy_packets",
        "Packets of connections rules and defaults decided, of both directions",
        samples(|hits| hits.packets),
    )?;
    to.counters(
        "policy_bytes",
        "Bytes of connections rules and defaults decided, from the IP header on",
        samples(|hits| hits.bytes),
    )?;
    to.counter(
        "policy_compilations",
        "Compilations of the policy",
        compilations.0,
    )?;
    to.counter("policy_commits", "Commits of the policy", commits.0)?;
    to.counter(
        "policy_failed_commits",
        "Commits that failed and left the old policy in force",
        *failed_commits,
    )?;
    to.time(
        "policy_compilation",
        "Time spent compiling the policy",
        compilations.1,
    )?;
    to.time(
        "policy_commit",
        "Time commits took, from request to read-back",
        commits.1,
    )?;
    to.duration("policy_last_commit", "Time the last commit took", *last_commit)?;
    to.counter(
        "policy_judgements",
        "Times live connections were judged after a commit",
        judgements.0,
    )?;
    to.time(
        "policy_judgement",
        "Time spent judging live connections",
        judgements.1,
    )?;
    to.counter(
        "policy_failed_judgements",
        "Times live connections could not be judged after a commit",
        *failed_judgements,
    )?;
    to.counter(
        "policy_cut_connections",
        "Live connections the policy ended",
        *cut_connections,
    )?;
    to.counter(
        "policy_simulation_differences",
        "Simulations in which the loaded program and the reference differed",
        *simulation_differences,
    )?;
    to.counter(
        "policy_verdicts_lost",
        "Verdicts that are not in the log",
        *verdicts_lost,
    )
}

/// Rules may be about any zone.
fn zone(zone: Option<&ZoneRef>) -> &str {
    zone.map_or("any", |zone| zone.name.as_str())
}

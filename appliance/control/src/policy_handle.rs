//! What may be asked of the policy.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use ravelin_model::{Action, ObjectKind, ObjectRef, Revision, ZoneId, ZoneMatch};
use ravelin_store::{Author, StoredRevision, VerdictFilter};

use crate::command::ChangeRequest;
use crate::engine::feature_reference;
use crate::error::stored;
use crate::policy::{differences, users};
use crate::{
    Actor, CommitOptions, Committed, ControlError, ControlHandle, Diagnostic, Hits, LoggedVerdict,
    ObjectChange, PolicyMetrics, PolicyOperation, PolicyView, RevisionInfo, RevisionPage, VerdictPage,
    VerdictQuery, ZoneRef,
};

impl ControlHandle {
    /// Makes the changes, all or none, as one revision: checked, compiled, loaded into both back-ends, stored.
    pub async fn commit_policy(
        &self,
        operations: Vec<PolicyOperation>,
        options: CommitOptions,
        actor: &Actor,
    ) -> Result<Committed, ControlError> {
        let lasts = lasts(&options);
        let committed = self
            .change(actor, |reply| ChangeRequest::CommitPolicy {
                operations,
                options,
                reply,
            })
            .await?;
        if lasts {
            self.end_recovery(actor);
        }
        Ok(committed)
    }

    /// The policy as of the last commit.
    pub fn policy(&self) -> Arc<PolicyView> {
        Arc::clone(&self.now().policy)
    }

    /// What counters counted: those of [`ravelin_model::Object::number`], read now.
    pub async fn rule_hits(&self, counters: &[u32]) -> Result<Vec<Hits>, ControlError> {
        let totals = self.counters.refresh(self.clock.now()).await?;
        Ok(counters.iter().map(|counter| totals.get(*counter)).collect())
    }

    /// Objects that name an object, features that name a list included.
    pub async fn references(&self, kind: ObjectKind, id: &str) -> Result<Vec<ObjectRef>, ControlError> {
        let now = self.now();
        if kind == ObjectKind::List {
            let unknown = |_| ControlError::UnknownObject {
                kind,
                id: id.to_owned(),
            };
            let list = self.list(&id.parse().map_err(unknown)?).await?;
            let features = now.settings.users_of(&list.id).into_iter().map(feature_reference);
            return Ok(features.chain(users(&now.policy.policy, kind, id)).collect());
        }
        if crate::policy::find(&now.policy.policy, kind, id).is_none() {
            return Err(ControlError::UnknownObject {
                kind,
                id: id.to_owned(),
            });
        }
        Ok(users(&now.policy.policy, kind, id))
    }

    /// Verdicts of lines that are logged, newest first.
    pub async fn verdict_log(&self, query: VerdictQuery) -> Result<VerdictPage, ControlError> {
        let VerdictQuery {
            since,
            address,
            zone,
            rule,
            action,
            before,
            limit,
        } = query;
        // One more than asked for tells whether there is a next page.
        let filter = VerdictFilter {
            since,
            address,
            zone,
            rule,
            action,
            before,
            limit: limit.saturating_add(1),
        };
        let mut found = self.store.verdicts(&filter).await.map_err(stored)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| last.number);
        let items = found.into_iter().map(|logged| LoggedVerdict {
            number: logged.number,
            at: logged.at,
            verdict: logged.verdict,
        });
        Ok(VerdictPage {
            items: items.collect(),
            next,
        })
    }

    /// What there is to say about the policy.
    pub fn diagnostics(&self) -> Arc<[Diagnostic]> {
        Arc::clone(&self.policy().diagnostics)
    }

    /// At most `limit` revisions of the configuration, newest first, older than `before` if given.
    pub async fn policy_revisions(
        &self,
        before: Option<Revision>,
        limit: u32,
    ) -> Result<RevisionPage, ControlError> {
        let found = self.store.revisions(before, limit.saturating_add(1)).await;
        let mut found = found.map_err(stored)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        Ok(RevisionPage {
            next: found.last().filter(|_| more).map(|last| last.revision),
            items: found.into_iter().map(info).collect(),
        })
    }

    /// One revision.
    pub async fn policy_revision(&self, revision: Revision) -> Result<RevisionInfo, ControlError> {
        let found = self.store.find_revision(revision).await.map_err(stored)?;
        found.map(info).ok_or(ControlError::UnknownRevision(revision))
    }

    /// What changed of the policy from one revision to another, either way round. 0 is before the first.
    pub async fn policy_difference(
        &self,
        from: Revision,
        to: Revision,
    ) -> Result<Vec<ObjectChange>, ControlError> {
        let latest = self.now().revision;
        let mut policies = Vec::with_capacity(2);
        for revision in [from, to] {
            let known = revision <= latest;
            let found = self.store.policy_at(revision).await.map_err(stored)?;
            let found = found.filter(|_| known);
            policies.push(found.ok_or(ControlError::UnknownRevision(revision))?.policy);
        }
        Ok(differences(&policies[0], &policies[1]))
    }

    /// Commits the policy of an earlier revision.
    pub async fn restore_policy(
        &self,
        revision: Revision,
        options: CommitOptions,
        actor: &Actor,
    ) -> Result<Committed, ControlError> {
        let lasts = lasts(&options);
        let committed = self
            .change(actor, |reply| ChangeRequest::RestorePolicy {
                revision,
                options,
                reply,
            })
            .await?;
        if lasts {
            self.end_recovery(actor);
        }
        Ok(committed)
    }

    /// Keeps a commit that waits to be confirmed.
    pub async fn confirm(&self, revision: Revision, actor: &Actor) -> Result<Arc<PolicyView>, ControlError> {
        let confirmed = self
            .change(actor, |reply| ChangeRequest::Confirm { revision, reply })
            .await?;
        self.end_recovery(actor);
        Ok(confirmed)
    }

    /// Figures for the metrics. Hits are those added up at the last reading, at most five seconds old.
    pub async fn policy_metrics(&self) -> Result<PolicyMetrics, ControlError> {
        let now = self.now();
        let policy = &now.policy.policy;
        let name = |id: &ZoneId| {
            policy.zones.get(id).map(|zone| ZoneRef {
                id: id.clone(),
                name: zone.spec.name.to_string(),
            })
        };
        let of_match = |zone: &ZoneMatch| match zone {
            ZoneMatch::Any => None,
            ZoneMatch::Zone(id) => name(id),
        };
        let rules = policy.rules.iter().map(|rule| {
            let spec = &rule.spec;
            (rule.number, spec.action, of_match(&spec.from), of_match(&spec.to))
        });
        let pairs = policy.zone_pairs.values().map(|pair| {
            let spec = &pair.spec;
            (pair.number, spec.default_action, name(&spec.from), name(&spec.to))
        });
        let published = policy.published_services.values().map(|service| {
            let from = of_match(&service.spec.translation.from);
            (service.number, Action::Accept, from, None)
        });
        let totals = self.counters.hold().await;
        let mut hits: BTreeMap<_, (Action, Option<ZoneRef>, Option<ZoneRef>, Hits)> = BTreeMap::new();
        for (counter, action, from, to) in rules.chain(pairs).chain(published) {
            let id = |zone: &Option<ZoneRef>| zone.as_ref().map(|zone| zone.id.clone());
            let counted = totals.get(counter);
            let key = (action, id(&from), id(&to));
            let sum = &mut hits.entry(key).or_insert((action, from, to, Hits::default())).3;
            sum.packets += counted.packets;
            sum.bytes += counted.bytes;
            sum.last_hit_at = sum.last_hit_at.max(counted.last_hit_at);
        }
        drop(totals);
        let figures = *self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(PolicyMetrics {
            hits: hits.into_values().collect(),
            compilations: figures.compilations,
            commits: figures.commits,
            last_commit: figures.last_commit,
            failed_commits: figures.failed_commits,
            judgements: figures.judgements,
            failed_judgements: figures.failed_judgements,
            cut_connections: figures.cut_connections,
            simulation_differences: self.simulation_differences.load(Ordering::Relaxed),
            verdicts_lost: self.verdicts.lost(),
        })
    }
}

/// Whether the policy stays: it is no trial, and waits for nobody.
fn lasts(options: &CommitOptions) -> bool {
    !options.dry_run && options.confirm_within.is_none()
}

fn info(stored: StoredRevision) -> RevisionInfo {
    let StoredRevision {
        revision,
        at,
        author: Author { name, origin },
        summary,
        policy,
    } = stored;
    RevisionInfo {
        revision,
        at,
        actor: Actor { name, origin },
        summary,
        policy,
    }
}

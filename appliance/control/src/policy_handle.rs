//! What may be asked of the policy.

use std::sync::Arc;

use ravelin_model::{ObjectKind, ObjectRef, Revision};

use crate::{
    Actor, CommitOptions, Committed, ControlError, ControlHandle, Diagnostic, Hits, ObjectChange,
    PolicyMetrics, PolicyOperation, PolicyView, RevisionInfo, RevisionPage, Simulation, SimulationQuery,
    VerdictPage, VerdictQuery,
};

impl ControlHandle {
    /// Makes the changes, all or none, as one revision: checked, compiled, loaded into both back-ends, stored.
    pub async fn commit_policy(
        &self,
        operations: Vec<PolicyOperation>,
        options: CommitOptions,
        actor: &Actor,
    ) -> Result<Committed, ControlError> {
        let _ = (operations, options, actor);
        Err(not_yet())
    }

    /// The policy as of the last commit.
    pub fn policy(&self) -> Arc<PolicyView> {
        Arc::new(PolicyView {
            policy: Arc::default(),
            revision: Revision::default(),
            enforced: false,
            problems: vec![not_yet().to_string()],
            unconfirmed: None,
            diagnostics: Arc::new([]),
        })
    }

    /// What counters counted: those of [`ravelin_model::Object::number`], read now.
    pub async fn rule_hits(&self, counters: &[u32]) -> Result<Vec<Hits>, ControlError> {
        let _ = counters;
        Err(not_yet())
    }

    /// Objects that name an object, features that name a list included.
    pub async fn references(&self, kind: ObjectKind, id: &str) -> Result<Vec<ObjectRef>, ControlError> {
        let _ = (kind, id);
        Err(not_yet())
    }

    /// What would become of a packet, by the loaded program and by the reference.
    pub async fn simulate(&self, query: SimulationQuery) -> Result<Simulation, ControlError> {
        let _ = query;
        Err(not_yet())
    }

    /// Verdicts of lines that are logged, newest first.
    pub async fn verdict_log(&self, query: VerdictQuery) -> Result<VerdictPage, ControlError> {
        let _ = query;
        Err(not_yet())
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
        let _ = (before, limit);
        Err(not_yet())
    }

    /// One revision.
    pub async fn policy_revision(&self, revision: Revision) -> Result<RevisionInfo, ControlError> {
        let _ = revision;
        Err(not_yet())
    }

    /// What changed of the policy from one revision to another, either way round.
    pub async fn policy_difference(
        &self,
        from: Revision,
        to: Revision,
    ) -> Result<Vec<ObjectChange>, ControlError> {
        let _ = (from, to);
        Err(not_yet())
    }

    /// Commits the policy of an earlier revision.
    pub async fn restore_policy(
        &self,
        revision: Revision,
        options: CommitOptions,
        actor: &Actor,
    ) -> Result<Committed, ControlError> {
        let _ = (revision, options, actor);
        Err(not_yet())
    }

    /// Keeps a commit that waits to be confirmed.
    pub async fn confirm(&self, revision: Revision, actor: &Actor) -> Result<Arc<PolicyView>, ControlError> {
        let _ = (revision, actor);
        Err(not_yet())
    }

    /// Figures for the metrics.
    pub async fn policy_metrics(&self) -> Result<PolicyMetrics, ControlError> {
        Err(not_yet())
    }
}

fn not_yet() -> ControlError {
    ControlError::NoDatapath("the policy cannot be changed yet".to_owned())
}

//! What is odd about the policy, found out beside the commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use ravelin_compile::{Ruleset, diagnose};
use ravelin_model::chain;
use tokio::task::JoinHandle;

use super::{Engine, Source};
use crate::snapshot::Snapshot;
use crate::{ControlError, Diagnostic};

impl Engine {
    /// Begins to find out. The policy is looked at as it would be in force, whether it is or not.
    pub(super) async fn diagnosing(
        &self,
        next: &Snapshot,
        source: &mut Source<'_>,
    ) -> Result<JoinHandle<Vec<Diagnostic>>, ControlError> {
        let policy = Arc::clone(&next.policy.policy);
        let revision = next.policy.revision;
        let inventory = self.inventory(&policy);
        let now = self.policy_config.clock.now();
        let known = self.live.policy.as_ref();
        let lists = self
            .policy_lists(source, &policy, known, &BTreeSet::new(), now)
            .await?;
        Ok(tokio::task::spawn_blocking(move || {
            let resolved = Ruleset::resolve(&policy, revision, &inventory, &lists, now);
            diagnose(&policy, &resolved.ruleset, &lists, now)
                .diagnostics
                .into_iter()
                .map(in_our_words)
                .collect()
        }))
    }

    /// Finds out about the policy that was stored.
    pub(super) async fn diagnose_stored(&mut self) {
        let mut next = (*self.now()).clone();
        let store = self.store.clone();
        match self.diagnosing(&next, &mut Source::Store(&store)).await {
            Ok(diagnosing) => {
                Arc::make_mut(&mut next.policy).diagnostics = found(diagnosing).await;
                self.publish_state(next).await;
            }
            Err(error) => tracing::warn!(
                error = chain(&error),
                "the policy could not be looked through for oddities"
            ),
        }
    }
}

fn in_our_words(found: ravelin_compile::Diagnostic) -> Diagnostic {
    let ravelin_compile::Diagnostic {
        severity,
        code,
        subject,
        related,
        detail,
    } = found;
    Diagnostic {
        severity: severity.name(),
        code: code.name(),
        object: subject,
        related,
        detail,
    }
}

/// What was found. A failure of it is a bug of ours, and no reason to lose a commit that is stored.
pub(super) async fn found(diagnosing: JoinHandle<Vec<Diagnostic>>) -> Arc<[Diagnostic]> {
    match diagnosing.await {
        Ok(found) => found.into(),
        Err(error) => {
            tracing::error!(%error, "the policy could not be looked through for oddities");
            Arc::new([])
        }
    }
}

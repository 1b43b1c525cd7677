//! Changes to what tuning keeps to.

use std::sync::Arc;

use ravelin_model::{TuningLimits, TuningSettings};

use super::{Engine, Work};
use crate::error::stored;
use crate::snapshot::Snapshot;
use crate::{Actor, ControlError, Precondition};

impl Engine {
    pub(crate) async fn set_tuning(
        &mut self,
        limits: TuningLimits,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<Arc<Snapshot>, ControlError> {
        let now = self.now();
        precondition.check(now.tuning.revision)?;
        if now.tuning.limits == limits {
            return Ok(now);
        }
        let mut change = self
            .begin(actor, "change what tuning keeps to".to_owned())
            .await?;
        change.set_tuning(&limits).await.map_err(stored)?;
        let revision = change.revision();
        let next = Snapshot {
            tuning: Arc::new(TuningSettings { limits, revision }),
            ..(*now).clone()
        };
        Ok(self.finish(change, next, Work::default()).await?.value)
    }
}

//! Changes to features.

use std::sync::Arc;

use ravelin_model::{Feature, FeatureConfig};

use super::{Engine, Work};
use crate::error::stored;
use crate::snapshot::Snapshot;
use crate::{Actor, ControlError, Precondition};

impl Engine {
    pub(crate) async fn set_enabled(
        &mut self,
        feature: Feature,
        enabled: bool,
        actor: &Actor,
    ) -> Result<Arc<Snapshot>, ControlError> {
        let now = self.now();
        let Some(settings) = now.settings.switched(feature, enabled)? else {
            return Ok(now);
        };
        let verb = if enabled { "enable" } else { "disable" };
        let mut change = self.begin(actor, format!("{verb} {feature}")).await?;
        change
            .set_feature_enabled(feature, enabled)
            .await
            .map_err(stored)?;
        let mut next = Snapshot {
            settings: settings.at_revision(feature, change.revision()),
            ..(*now).clone()
        };
        if !enabled {
            next.faults.remove(&feature);
        }
        Ok(self.finish(change, next, Work::default()).await?.value)
    }

    pub(crate) async fn set_config(
        &mut self,
        config: FeatureConfig,
        precondition: Precondition,
        actor: &Actor,
    ) -> Result<Arc<Snapshot>, ControlError> {
        let now = self.now();
        let feature = config.feature();
        let lists = self
            .store
            .lists(time::OffsetDateTime::now_utc())
            .await
            .map_err(stored)?;
        let Some(settings) = now.settings.configured(&config, precondition, &lists)? else {
            return Ok(now);
        };
        let mut change = self.begin(actor, format!("configure {feature}")).await?;
        change.set_feature_config(&config).await.map_err(stored)?;
        let next = Snapshot {
            settings: settings.at_revision(feature, change.revision()),
            ..(*now).clone()
        };
        Ok(self.finish(change, next, Work::default()).await?.value)
    }
}

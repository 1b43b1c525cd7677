//! Whether what is stored can be gone by: every row is something the program has a value for.

use ravelin_model::ListKind;
use time::OffsetDateTime;

use crate::{Store, StoreError};

/// Tables whose rows are also in indices: what is read by one must be what is read by the other.
const INDICES: [&str; 5] = [
    "PRAGMA integrity_check('policy_object')",
    "PRAGMA integrity_check('policy_history')",
    "PRAGMA integrity_check('revision')",
    "PRAGMA integrity_check('list')",
    "PRAGMA integrity_check('entry')",
];

impl Store {
    /// Reads all of the configuration. SQLite has found the file consistent before; this finds references to nothing,
    /// entries whose table and index differ, and rows that say nothing.
    pub(crate) async fn verify(&self) -> Result<(), StoreError> {
        let dangling: Option<String> =
            sqlx::query_scalar("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")
                .fetch_optional(&self.reader)
                .await
                .map_err(StoreError::Verify)?;
        if let Some(table) = dangling {
            return Err(self
                .damaged(format!("a row of {table} refers to nothing"))
                .await?);
        }
        for check in INDICES {
            let finding: String = sqlx::query_scalar(check)
                .fetch_one(&self.reader)
                .await
                .map_err(StoreError::Verify)?;
            if finding != "ok" {
                return Err(self.damaged(finding).await?);
            }
        }
        self.features().await?;
        self.tuning().await?;
        self.external_interfaces().await?;
        self.interface_originals().await?;
        self.policy().await?;
        self.unconfirmed().await?;
        for list in self.lists(OffsetDateTime::UNIX_EPOCH).await? {
            match list.kind {
                ListKind::Address => drop(self.entries(&list.id).await?),
                ListKind::Domain => drop(self.patterns(&list.id).await?),
            }
        }
        Ok(())
    }

    async fn damaged(&self, detail: String) -> Result<StoreError, StoreError> {
        Ok(StoreError::Damaged {
            path: self.path().await?.unwrap_or_default(),
            detail,
        })
    }
}

impl StoreError {
    /// The file itself is of no use: another program could not do more with it. Otherwise it may be sound, and only
    /// cannot be read or written at this moment.
    pub fn condemns(&self) -> bool {
        match self {
            Self::NotOurs { .. } | Self::NewerSchema { .. } | Self::Damaged { .. } | Self::Column { .. } => {
                true
            }
            Self::Migrate(error) => !matches!(error, sqlx::migrate::MigrateError::Execute(error)
                if crate::open::unusable_now(error)),
            Self::ReadFeatures(error)
            | Self::ReadInterfaces(error)
            | Self::ReadLists(error)
            | Self::ReadEntries(error)
            | Self::ReadPolicy(error)
            | Self::ReadTuning(error)
            | Self::ReadRevision(error)
            | Self::Verify(error)
            | Self::WriteDigest(error)
            | Self::Open { source: error, .. } => !crate::open::unusable_now(error),
            _ => false,
        }
    }
}

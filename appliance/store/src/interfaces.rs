//! Interfaces: what was said about them over REST.

use std::collections::BTreeSet;

use crate::{Change, Store, StoreError, convert};

impl Store {
    /// Names of the interfaces flagged external, whether they exist now or not.
    pub async fn external_interfaces(&self) -> Result<BTreeSet<String>, StoreError> {
        sqlx::query_scalar("SELECT name FROM interface WHERE external")
            .fetch_all(&self.reader)
            .await
            .map(BTreeSet::from_iter)
            .map_err(StoreError::ReadInterfaces)
    }
}

impl Change {
    /// Says whether the interface of that name faces the outside.
    pub async fn set_interface_external(&mut self, name: &str, external: bool) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO interface (name, external, revision) VALUES (?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET external = excluded.external, revision = excluded.revision",
        )
        .bind(name)
        .bind(external)
        .bind(convert::signed(self.revision.0))
        .execute(self.connection())
        .await
        .map_err(StoreError::WriteInterface)?;
        Ok(())
    }
}

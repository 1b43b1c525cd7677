//! Links this box made, so that those no longer wanted can be told from those of others.

use crate::{Store, StoreError};

impl Store {
    /// Names of the links made since the boot of that text; those of other boots are forgotten.
    pub async fn own_links(&self, boot: &str) -> Result<Vec<String>, StoreError> {
        sqlx::query("DELETE FROM own_link WHERE boot <> ?")
            .bind(boot)
            .execute(&self.writer)
            .await
            .map_err(StoreError::WriteInterface)?;
        sqlx::query_scalar("SELECT name FROM own_link ORDER BY name")
            .fetch_all(&self.writer)
            .await
            .map_err(StoreError::ReadInterfaces)
    }

    /// Remembers links. On disk when it returns, which must be before they are made; waits for a [`crate::Change`]
    /// under way.
    pub async fn remember_own_links(&self, names: &[String], boot: &str) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        let mut transaction = self.writer.begin().await.map_err(StoreError::WriteInterface)?;
        for name in names {
            sqlx::query("INSERT OR REPLACE INTO own_link (name, boot) VALUES (?, ?)")
                .bind(name)
                .bind(boot)
                .execute(&mut *transaction)
                .await
                .map_err(StoreError::WriteInterface)?;
        }
        transaction.commit().await.map_err(StoreError::WriteInterface)
    }

    /// Forgets a link that is gone.
    pub async fn forget_own_link(&self, name: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM own_link WHERE name = ?")
            .bind(name)
            .execute(&self.writer)
            .await
            .map_err(StoreError::WriteInterface)?;
        Ok(())
    }
}

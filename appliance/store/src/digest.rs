//! Digests of the configuration. SQLite has no checksum of its pages: a byte that flips inside a text leaves a file
//! that is sound to it, with a policy nobody ever made. Entries of lists need none: each value is in a table and in an
//! index, which `PRAGMA integrity_check` compares.

use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

/// A part of the configuration, and how its rows are rendered, in one order.
#[derive(Debug)]
struct Part {
    name: &'static str,
    rows: &'static str,
}

/// The last change itself.
const REVISION: Part = Part {
    name: "revision",
    rows: "SELECT json_array(number, at, policy, (SELECT MAX(number) FROM revision WHERE policy))
           FROM revision ORDER BY number DESC LIMIT 1",
};
const FEATURE: Part = Part {
    name: "feature",
    rows: "SELECT json_array(name, enabled, config, revision) FROM feature ORDER BY name",
};
const INTERFACE: Part = Part {
    name: "interface",
    rows: "SELECT json_array(name, external, revision) FROM interface ORDER BY name",
};
const LIST: Part = Part {
    name: "list",
    rows: "SELECT json_array(number, id, name, kind, entries, updated_at, revision) FROM list ORDER BY number",
};
const TUNING: Part = Part {
    name: "tuning",
    rows: "SELECT json_array(limits, revision) FROM tuning",
};
const UNCONFIRMED: Part = Part {
    name: "policy_unconfirmed",
    rows: "SELECT json_array(revision, previous, until) FROM policy_unconfirmed",
};
/// The large one: 10 000 rules take about 20 ms.
const POLICY: Part = Part {
    name: "policy_object",
    rows: "SELECT json_array(id, kind, number, position, name, spec, updated_at, revision)
           FROM policy_object ORDER BY id",
};

const SMALL: [Part; 6] = [REVISION, FEATURE, INTERFACE, LIST, TUNING, UNCONFIRMED];

/// Writes the digests of every part, of the objects of the policy only if they were changed.
pub(crate) async fn write(connection: &mut SqliteConnection, policy: bool) -> Result<(), sqlx::Error> {
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM digest WHERE part = ?)")
        .bind(POLICY.name)
        .fetch_one(&mut *connection)
        .await?;
    let large = (policy || !known).then_some(POLICY);
    for part in SMALL.into_iter().chain(large) {
        let digest = digest(connection, &part).await?;
        sqlx::query(
            "INSERT INTO digest (part, sha256) VALUES (?, ?)
             ON CONFLICT (part) DO UPDATE SET sha256 = excluded.sha256",
        )
        .bind(part.name)
        .bind(digest)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The first part that is not what was written; None: every one is, or none was ever written.
pub(crate) async fn differing(
    connection: &mut SqliteConnection,
) -> Result<Option<&'static str>, sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'digest'")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(None);
    }
    let written: Vec<(String, Vec<u8>)> = sqlx::query_as("SELECT part, sha256 FROM digest")
        .fetch_all(&mut *connection)
        .await?;
    if written.is_empty() {
        return Ok(None);
    }
    for part in SMALL.into_iter().chain([POLICY]) {
        let found = digest(connection, &part).await?;
        let written = written.iter().find(|(name, _)| name == part.name);
        if written.is_none_or(|(_, written)| *written != found) {
            return Ok(Some(part.name));
        }
    }
    Ok(None)
}

async fn digest(connection: &mut SqliteConnection, part: &Part) -> Result<Vec<u8>, sqlx::Error> {
    let mut sha = Sha256::new();
    let mut rows = sqlx::query_scalar::<_, String>(part.rows).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        sha.update(row);
        sha.update("\n");
    }
    Ok(sha.finalize().to_vec())
}

//! SQLite: what was set over REST, and its history. The only crate that imports sqlx.

mod error;

pub use error::StoreError;

//! Updates of an appliance.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::SlotName;
use crate::{Errors, Fields, FromJson, Node, Timestamp};

/// An update to fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UpdateFetch {
    /// Where the bundle is: http or https, without a user. Not this machine itself, nor a link-local address.
    #[schema(example = "https://updates.example/ravelin-0.2.0.raucb", max_length = 2048)]
    pub url: String,
    /// SHA-256 the bundle has to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 64, max_length = 64)]
    pub sha256: Option<String>,
    /// Takes a version that is not newer than the one that runs.
    #[schema(required = false, default = false)]
    pub allow_downgrade: bool,
    /// Restarts the machine into the new slot once it is written.
    #[schema(required = false, default = false)]
    pub reboot: bool,
}

impl FromJson for UpdateFetch {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let url = fields.required_with("url", errors, url);
        let sha256 = fields.optional_with("sha256", errors, sha256);
        let allow_downgrade = fields.or("allow_downgrade", false, errors, bool::from_json);
        let reboot = fields.or("reboot", false, errors, bool::from_json);
        fields.finish(errors);
        Some(Self {
            url: url?,
            sha256: sha256?,
            allow_downgrade: allow_downgrade?,
            reboot: reboot?,
        })
    }
}

/// The agent reads it once more; what is plainly wrong is told with its pointer.
fn url(node: Node<'_>, errors: &mut Errors) -> Option<String> {
    let text = node.string(errors)?;
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let proper = text.len() <= 2048 && authority.is_some_and(|host| !host.is_empty() && !host.contains('@'));
    if !proper {
        errors.add(&node, "format", "is no URL of http or https without a user");
    }
    proper.then(|| text.to_owned())
}

fn sha256(node: Node<'_>, errors: &mut Errors) -> Option<String> {
    let text = node.string(errors)?;
    let proper = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !proper {
        errors.add(&node, "format", "is not 64 lower-case hexadecimal digits");
    }
    proper.then(|| text.to_owned())
}

/// Which slot to boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct SlotBoot {
    /// Boots a version that is not newer than the one that runs.
    #[schema(required = false, default = false)]
    pub allow_downgrade: bool,
    /// Restarts the machine at once.
    #[schema(required = false, default = false)]
    pub reboot: bool,
}

impl FromJson for SlotBoot {
    fn from_json(node: Node<'_>, errors: &mut Errors) -> Option<Self> {
        let mut fields = Fields::of(node, errors)?;
        let allow_downgrade = fields.or("allow_downgrade", false, errors, bool::from_json);
        let reboot = fields.or("reboot", false, errors, bool::from_json);
        fields.finish(errors);
        Some(Self {
            allow_downgrade: allow_downgrade?,
            reboot: reboot?,
        })
    }
}

/// How far an update is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateState {
    /// The bundle comes in.
    Receiving,
    /// Signature, compatibility and version are looked at.
    Verifying,
    /// The slot that does not run is written.
    Writing,
    /// The new slot boots with the next restart.
    ReadyToBoot,
    /// The new slot runs and has yet to show that it works.
    OnTrial,
    /// The new slot works and is the one that boots from now on.
    Good,
    /// Nothing came of it; what ran runs.
    Failed,
    /// The new slot did not show that it works; the old one runs again.
    RolledBack,
}

/// Where what is booted comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateSource {
    /// Sent with the request.
    Upload,
    /// Fetched from `url`.
    Url,
    /// What was in the slot is booted again.
    Slot,
}

/// Why nothing came of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateProblem {
    /// The kind of problem, as of an answer.
    #[serde(rename = "type")]
    #[schema(example = "/problems/update-untrusted")]
    pub type_: String,
    /// The kind of problem, for people.
    pub title: String,
    /// What went wrong, for people.
    pub detail: String,
}

/// An update of an appliance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemUpdate {
    /// Id.
    #[schema(example = "upd_3")]
    pub id: String,
    /// How far it is.
    pub state: UpdateState,
    /// Where what is booted comes from.
    pub source: UpdateSource,
    /// Where the bundle is fetched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
    /// A version that is not newer than the one that runs is taken.
    pub allow_downgrade: bool,
    /// The machine restarts into the new slot once it is written.
    pub reboot: bool,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its state changed last.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    /// Version that ran when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from_version: Option<String>,
    /// Version of the bundle, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub version: Option<String>,
    /// The slot it is written to, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub slot: Option<SlotName>,
    /// Of the bundle, as far as it has come in.
    pub received_bytes: u64,
    /// Of the bundle, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub total_bytes: Option<u64>,
    /// How far writing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 100, value_type = Option<u32>)]
    pub written_percent: Option<u8>,
    /// Why nothing came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<UpdateProblem>,
    /// Why the new slot did not stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

//! Directories with real stores.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ravelin_model::{Action, AddressMatch, AnyObject, Object, Policy, RecoveryState, RuleSpec, ZoneMatch};
use ravelin_store::{Author, PolicyWrite, Store};
use ravelin_system::Slot;
use tempfile::TempDir;
use time::OffsetDateTime;

use super::super::choice::StartsBefore;
use super::super::good::Good;
use super::super::open::{self, Opened, Place};
use super::super::{files, power};

/// Rules of each revision: as many as must not all be in one page of the file.
const RULES: u64 = 20;

/// What an opening came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub state: RecoveryState,
    pub revision: u64,
    pub volatile: bool,
}

/// A state directory.
#[derive(Debug)]
pub struct World {
    directory: TempDir,
    pub place: Place,
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime");
    runtime.block_on(future)
}

impl World {
    pub fn new(slot: Slot) -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let root = directory.path();
        for name in ["state", "run"] {
            fs::create_dir(root.join(name)).expect("directory");
        }
        let place = Place {
            slot,
            state_dir: root.join("state"),
            run_dir: root.join("run"),
            first_boot_marker: Some(root.join("first-boot")),
        };
        Self { directory, place }
    }

    /// The same once more.
    pub fn copied(&self) -> Self {
        let other = Self::new(self.place.slot);
        copy(self.directory.path(), other.directory.path());
        other
    }

    /// The other slot runs.
    pub fn booted(mut self, slot: Slot) -> Self {
        self.place.slot = slot;
        self
    }

    pub fn mark_first_boot(&self) {
        fs::write(self.directory.path().join("first-boot"), "").expect("mark");
    }

    pub fn current(&self) -> Option<Slot> {
        let text = fs::read_to_string(self.place.state_dir.join("current")).ok()?;
        text.trim().parse().ok()
    }

    pub fn set_current(&self, slot: Slot) {
        open::make_current(&self.place.state_dir, slot).expect("current");
    }

    pub fn own(&self) -> PathBuf {
        self.place.store(self.place.slot)
    }

    pub fn own_bytes(&self) -> Option<Vec<u8>> {
        fs::read(self.own()).ok()
    }

    /// Makes so many more revisions in the store of a slot, and the store if there is none.
    pub fn fill(&self, slot: Slot, revisions: u64) {
        self.fill_with(slot, revisions, RULES);
    }

    /// The same with so many rules in each.
    pub fn fill_with(&self, slot: Slot, revisions: u64, rules: u64) {
        let path = self.place.store(slot);
        fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        block_on(async {
            let store = Store::open(&path).await.expect("open");
            fill(&store, revisions, rules).await;
            store.close().await;
        });
    }

    /// Keeps a last-known-good copy of a slot's store.
    pub fn keep_copy(&self, slot: Slot) {
        let path = self.place.store(slot);
        block_on(async {
            let store = Store::open(&path).await.expect("open");
            let file = files::beside(&path, ".copying");
            let revision = store.copy_configuration(&file).await.expect("copy");
            Good::keep(&file, &path, store.identity().await.expect("identity"), revision).expect("keep");
            store.close().await;
        });
    }

    pub fn damage_newest_copy(&self) {
        let newest = Good::all(&self.own()).expect("copies").remove(0);
        let mut bytes = fs::read(&newest.path).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&newest.path, bytes).expect("write");
    }

    /// Has the store's file be something else; None: deleted.
    pub fn damage(&self, other: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) {
        let own = self.own();
        fs::create_dir_all(own.parent().expect("parent")).expect("directory");
        match other(fs::read(&own).unwrap_or_default()) {
            Some(bytes) => fs::write(&own, bytes).expect("write"),
            None => fs::remove_file(&own).expect("remove"),
        }
    }

    pub fn make_newer(&self) {
        self.make_newer_in(self.place.slot);
    }

    /// As a later version of the program would leave it.
    pub fn make_newer_in(&self, slot: Slot) {
        let path = self.place.store(slot);
        block_on(async {
            use sqlx::Connection;
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
            let mut connection = sqlx::SqliteConnection::connect_with(&options)
                .await
                .expect("open");
            sqlx::query(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'of the future', true, x'00', 0)",
            )
            .execute(&mut connection)
            .await
            .expect("insert");
            connection.close().await.expect("close");
        });
    }

    /// Has no process open the store; answers what must go for that to end: SQLite opens this file beside every store.
    pub fn bar_opening(&self) -> PathBuf {
        let path = files::beside(&self.own(), "-wal");
        fs::create_dir(&path).expect("directory");
        path
    }

    /// Stores that were set aside.
    pub fn bad(&self) -> Vec<PathBuf> {
        let mut bad: Vec<PathBuf> = files::siblings(&self.own(), ".bad-")
            .expect("siblings")
            .into_iter()
            .map(|(path, _)| path)
            .filter(|path| !path.to_string_lossy().ends_with("-wal"))
            .collect();
        bad.sort();
        bad
    }

    /// Every file of a slot's directory.
    pub fn directory_of(&self, slot: Slot) -> Vec<(PathBuf, Vec<u8>)> {
        let directory = self.place.state_dir.join(slot.name());
        let mut files: Vec<_> = fs::read_dir(directory)
            .expect("directory")
            .map(|entry| entry.expect("entry").path())
            .map(|path| (path.clone(), fs::read(&path).expect("read")))
            .collect();
        files.sort();
        files
    }

    /// Opens a store, and closes it.
    pub fn open(&self, before: StartsBefore) -> Found {
        self.open_and(before, async |_| ())
    }

    /// Opens a store and looks at it.
    pub fn open_and(&self, before: StartsBefore, look: impl AsyncFnOnce(&Store)) -> Found {
        block_on(async {
            let Opened { store, recovery, .. } = open::open(&self.place, before, OffsetDateTime::now_utc())
                .await
                .expect("open");
            if !recovery.volatile {
                open::settle_current(&self.place).expect("current");
            }
            look(&store).await;
            let found = Found {
                state: recovery.state,
                revision: store.revision().await.expect("revision").0,
                volatile: recovery.volatile,
            };
            store.close().await;
            found
        })
    }

    /// Opens a store until the power goes; None: it went.
    pub fn open_until_the_power_goes(&self, before: StartsBefore, steps: u32) -> Option<Found> {
        power::goes_after(Some(steps));
        let found = catch_unwind(AssertUnwindSafe(|| self.open(before)));
        power::goes_after(None);
        found.ok()
    }
}

/// Makes so many more revisions, each with its own rules and changes to those before.
pub async fn fill(store: &Store, revisions: u64, rules: u64) {
    let author = Author {
        name: "uid:0".to_owned(),
        origin: "unix".to_owned(),
    };
    for _ in 0..revisions {
        let at = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        let mut change = store.change(&author, "fill", at).await.expect("begin");
        let revision = change.revision();
        let writes: Vec<PolicyWrite> = (0..rules)
            .map(|number| {
                let count = (revision.0 - 1) * rules + number;
                let spec = RuleSpec {
                    name: format!("rule {count}").parse().expect("name"),
                    enabled: true,
                    from: ZoneMatch::Any,
                    to: ZoneMatch::Any,
                    source: AddressMatch {
                        addresses: vec![
                            format!("10.{}.{}.0/24", count >> 8, count & 255)
                                .parse()
                                .expect("range"),
                        ],
                        ..AddressMatch::default()
                    },
                    destination: AddressMatch::default(),
                    services: Vec::new(),
                    action: if count.is_multiple_of(2) {
                        Action::Accept
                    } else {
                        Action::Drop
                    },
                    log: false,
                    rate_limit: None,
                    schedule: None,
                    expires_at: None,
                    comment: format!("of revision {}", revision.0),
                    tags: BTreeSet::new(),
                };
                let object = Object {
                    id: format!("rul_{count:x}").parse().expect("id"),
                    number: u32::try_from(count + 16).expect("number"),
                    spec,
                    updated_at: at,
                    revision,
                };
                PolicyWrite::Put {
                    object: AnyObject::Rule(Arc::new(object)),
                    position: Some(i64::try_from(count * 1000).expect("position")),
                }
            })
            .collect();
        change.write_policy(&writes).await.expect("write");
        change.commit().await.expect("commit");
    }
}

/// The policies of all revisions of a store.
pub async fn policies(store: &Store) -> Vec<Policy> {
    let last = store.revision().await.expect("revision");
    let mut policies = Vec::new();
    for number in 0..=last.0 {
        let past = store
            .policy_at(ravelin_model::Revision(number))
            .await
            .expect("past");
        policies.extend(past.map(|past| past.policy));
    }
    policies
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("directory") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            fs::create_dir_all(&target).expect("directory");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copy");
        }
    }
}

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use ravelin_model::Revision;
use ravelin_store::Store;

use crate::support::{add, at, author, blocklist, change, dns_blocklist, revision, values};

/// Set for the process that writes until it is killed: the file to write to.
const STORM: &str = "RAVELIN_TEST_STORM";

/// Address that says which revision added it.
fn address(revision: Revision) -> String {
    let [a, b, c, ..] = revision.0.to_le_bytes();
    format!("10.{c}.{b}.{a}/32")
}

/// Not a test of its own: the body of the process [`kill_9_in_a_write_storm_loses_nothing_acknowledged`] kills.
/// Small changes take turns with replacements of a long list, so that the kill finds both kinds under way.
#[tokio::test]
async fn storm() {
    let Some(path) = std::env::var_os(STORM) else {
        return;
    };
    let store = Store::open(Path::new(&path)).await.expect("open");
    for round in 0_usize.. {
        let mut writing = change(&store, 0).await;
        let number = writing.revision();
        let counter = u32::try_from(number.0).expect("few");
        writing
            .add_entries(&blocklist(), &values(&[&address(number)]), &mut (counter..))
            .await
            .expect("add");
        if round % 4 == 3 {
            let names: Vec<String> = (0..2000)
                .map(|host| format!("h{host}.r{}.example", number.0))
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let replaced = writing
                .replace_entries(&dns_blocklist(), &values(&names), &mut std::iter::empty())
                .await;
            replaced.expect("replace");
        }
        let acknowledged = writing.commit().await.expect("commit");
        println!("acknowledged {}", acknowledged.0);
    }
}

/// Starts a storm, kills it after so many acknowledged changes; answers all it acknowledged.
fn killed_storm(path: &Path, acknowledgements: usize) -> Vec<Revision> {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "durability::storm", "--nocapture"])
        .env(STORM, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("spawn");
    let mut acknowledged = Vec::new();
    let mut killed = false;
    // What the pipe still holds after the kill was acknowledged, too.
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        let line = line.expect("read");
        if let Some((_, number)) = line.split_once("acknowledged ") {
            acknowledged.push(Revision(number.parse().expect("number")));
        }
        if acknowledged.len() >= acknowledgements && !killed {
            child.kill().expect("SIGKILL");
            killed = true;
        }
    }
    let status = child.wait().expect("wait");
    assert!(killed && !status.success(), "the storm ended by itself: {status}");
    acknowledged
}

#[tokio::test]
async fn kill_9_in_a_write_storm_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let mut all = Vec::new();
    for acknowledgements in [1, 2, 4, 7, 12, 25] {
        all.extend(killed_storm(&path, acknowledgements));
        let store = Store::open(&path).await.expect("open after a kill");
        // The last change may have been durable without its acknowledgement having come out.
        let stored = revision(&store).await;
        let last = *all.last().expect("some");
        assert!(
            stored == last || stored.0 == last.0 + 1,
            "{stored:?} is not {last:?} or the next"
        );
        let entries = store.entries(&blocklist()).await.expect("entries");
        let found: Vec<String> = entries.iter().map(|stored| stored.entry.value.text()).collect();
        let expected: Vec<String> = (1..=stored.0).map(|number| address(Revision(number))).collect();
        assert_eq!(found, expected);
        let names = store.patterns(&dns_blocklist()).await.expect("patterns");
        assert!(
            names.is_empty() || names.len() == 2000,
            "half a replacement: {} names",
            names.len()
        );
        store.close().await;
    }
    assert!(all.is_sorted());
}

#[tokio::test]
async fn an_abandoned_change_does_not_block_the_next() {
    let directory = tempfile::tempdir().expect("directory");
    let store = Store::open(&directory.path().join("store.db"))
        .await
        .expect("open");
    let author = author();
    for _ in 0..20 {
        let mut abandoned = store.change(&author, "abandon", at(0)).await.expect("begin");
        abandoned
            .set_interface_external("wan0", true)
            .await
            .expect("flag");
    }
    add(&store, &blocklist(), &["192.0.2.1/32"], 0).await;
    assert_eq!(revision(&store).await, Revision(1));
}

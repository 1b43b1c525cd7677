//! Namespaces and tables.

use std::sync::Arc;

use ravelin_compile::generate::{Random, Shape, World};
use ravelin_compile::{NftRuleset, NftSettings, Ruleset};
use ravelin_test_harness::{Namespace, privileged};

/// Runs a test on a thread in a fresh namespace.
pub fn in_namespace<F: Future<Output = ()>>(role: &str, test: impl FnOnce() -> F + Send) {
    if !privileged("netns") {
        return;
    }
    let namespace = Namespace::new(role);
    namespace.within(|| runtime().block_on(test()));
}

/// All on the calling thread, so that all is in its namespace.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime")
}

/// A random ruleset of so many rules.
pub fn random_ruleset(random: &mut Random, rules: usize) -> Ruleset {
    World::new(random, &Shape::rules(rules)).resolve()
}

/// Its table.
pub fn compiled(ruleset: &Ruleset) -> Arc<NftRuleset> {
    Arc::new(NftRuleset::new(ruleset, &NftSettings::default()))
}

/// The table as nft lists it, without what it counts: handles and counters.
pub fn listed() -> String {
    let output = std::process::Command::new("nft")
        .args(["-s", "list", "table", "inet", NftRuleset::TABLE])
        .output()
        .expect("run nft");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

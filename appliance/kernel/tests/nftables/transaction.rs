//! Tables become others.

use ravelin_compile::generate::Random;
use ravelin_kernel::Nftables;

use crate::support::{compiled, in_namespace, listed, random_ruleset};

#[test]
fn random_tables_load() {
    in_namespace("load", || async {
        let mut random = Random::seeded();
        for rules in [0, 3, 30, 100, 300] {
            let ruleset = compiled(&random_ruleset(&mut random, rules));
            let mut nftables = Nftables::open().expect("open");
            let applied = nftables.apply(&ruleset).await.expect("apply");
            println!("{rules}: {applied:?} {:?}", ruleset.size());
            assert_eq!(
                nftables.revision().await.expect("revision"),
                Some(ruleset.revision())
            );
            assert_eq!(nftables.found().await.expect("found"), ruleset.names());
        }
        println!("{}", &listed());
    });
}

//! The same on the kernel itself, whose cards are veth pairs in a namespace. Needs root; runs under the kernel of the image
//! as well, which has more kinds of links than others.

use std::process::Command;

use ravelin_compile::generate::Random;
use ravelin_model::NetworkPlan;
use ravelin_test_harness::{Namespace, privileged};

use super::plans::{CARDS, Kinds, plan};
use super::{bring, lacks, others};
use crate::KernelError;
use crate::network::bring::Kernel;
use crate::network::netlink::{Refusal, RouteNetlink};
use crate::network::operation::Operation;
use crate::network::present::Present;

/// Random plans of one test.
const PLANS: usize = 30;

/// The kernel, which takes changes until who makes them is killed.
struct Watched {
    kernel: RouteNetlink,
    left: Option<usize>,
    made: Vec<Operation>,
}

impl Watched {
    fn open() -> Self {
        Self {
            kernel: RouteNetlink::open().expect("open"),
            left: None,
            made: Vec::new(),
        }
    }

    fn present(&mut self) -> Present {
        self.kernel.read(&NetworkPlan::default()).expect("read")
    }
}

impl Kernel for Watched {
    type Refusal = Refusal;
    type Error = KernelError;

    fn read(&mut self, plan: &NetworkPlan) -> Result<Present, KernelError> {
        self.kernel.read(plan)
    }

    fn perform(&mut self, operation: &Operation) -> Result<(), Refusal> {
        match &mut self.left {
            Some(0) => return Err(std::io::Error::other("killed").into()),
            Some(left) => *left -= 1,
            None => {}
        }
        self.made.push(operation.clone());
        self.kernel.perform(operation)
    }

    fn waits(refusal: &Refusal) -> bool {
        RouteNetlink::waits(refusal)
    }
}

/// Brings the kernel to the plan, checks that it is there, and that the same again is nothing.
#[track_caller]
fn check(kernel: &mut Watched, plan: &NetworkPlan) {
    let before = kernel.present();
    kernel.made.clear();
    let faults = bring(kernel, plan).expect("readable");
    let told = || format!("{plan:#?}\n{before:#?}");
    assert_eq!(faults, [], "{}\n{:#?}", told(), kernel.made);
    let present = kernel.present();
    assert_eq!(
        lacks(plan, &present),
        Vec::<String>::new(),
        "{}\n{:#?}",
        told(),
        kernel.made
    );
    kernel.made.clear();
    bring(kernel, plan).expect("readable");
    assert_eq!(kernel.made, [], "done twice: {}", told());
}

fn ip(arguments: &str) -> bool {
    let mut command = Command::new("ip");
    let output = command.args(arguments.split_whitespace()).output();
    output.expect("run ip").status.success()
}

/// What the kernel has; what `RAVELIN_REQUIRE` names it must have.
fn kinds() -> Kinds {
    let required = std::env::var("RAVELIN_REQUIRE").unwrap_or_default();
    let has = |kind: &str, more: &str, of_kind: &str| {
        let has = ip(&format!("link add name try0 {more} type {kind} {of_kind}")) && ip("link delete try0");
        let required = required.split(',').any(|tier| tier == kind);
        assert!(has || !required, "no links of kind {kind}");
        has
    };
    Kinds {
        vlan: has("vlan", "link eth0", "id 9"),
        bond: has("bond", "", ""),
    }
}

/// Runs a test on a thread in a fresh namespace, in which others are at work.
fn among_others(role: &str, test: impl FnOnce(&mut Random, Kinds) + Send) {
    if !privileged("netns") {
        return;
    }
    let mut random = Random::seeded();
    let namespace = Namespace::new(role);
    for (number, name) in (1..).zip(CARDS) {
        namespace.ip(&format!(
            "link add {name} mtu 9000 type veth peer name {name}-far mtu 9000"
        ));
        namespace.ip(&format!("link set {name}-far up"));
        namespace.ip(&format!("address add 172.16.{number}.1/24 dev {name}"));
        namespace.ip(&format!("address add fd99:{number}::1/64 dev {name}"));
        if random.once_in(2) {
            let shared = random.below(6);
            namespace.ip(&format!("address add 10.{shared}.0.9/24 dev {name}"));
        }
        if random.once_in(2) {
            namespace.ip(&format!("link set {name} up"));
            let via = format!("via 172.16.{number}.254 metric {}", 1000 + number);
            namespace.ip(&format!("route add default {via} proto 16"));
        }
    }
    namespace.ip("rule add from 172.16.0.0/16 table 77 priority 99");
    namespace.within(|| {
        let kinds = kinds();
        test(&mut random, kinds);
        let rules = Command::new("ip").arg("rule").output().expect("run ip");
        assert!(String::from_utf8_lossy(&rules.stdout).contains("lookup 77"));
    });
}

#[test]
fn the_kernel_is_brought_to_every_plan() {
    among_others("plans", |random, kinds| {
        let mut kernel = Watched::open();
        for _ in 0..PLANS {
            let present = kernel.present();
            let plan = plan(random, &present, kinds);
            check(&mut kernel, &plan);
            let (before, after) = (others(&present), others(&kernel.present()));
            assert_eq!(after, before, "{present:#?}\n{plan:#?}");
        }
        check(&mut kernel, &NetworkPlan::default());
    });
}

#[test]
fn the_kernel_is_mended_after_an_end_at_any_change() {
    among_others("killed", |random, kinds| {
        let mut kernel = Watched::open();
        let present = kernel.present();
        let [first, second] = [(); 2].map(|()| plan(random, &present, kinds));
        check(&mut kernel, &first);
        let mut changes = 0;
        loop {
            kernel.made.clear();
            kernel.left = Some(changes);
            bring(&mut kernel, &second).expect("readable");
            let killed = kernel.left == Some(0);
            kernel.left = None;
            check(&mut kernel, &first);
            if !killed {
                break;
            }
            changes += 1;
        }
        check(&mut kernel, &second);
    });
}

//! Restarts and ends, which end the agent too.

use ravelin_test_harness::privileged;

use crate::box_of::{Boot, Machine};
use crate::workshop::Workshop;

#[test]
fn who_asks_for_a_restart_is_answered_though_the_agent_ends_with_it() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let mut machine = Machine::boot(Boot::of("1.0.0", &workshop.certificate("ours")));
    machine.services_end_when_asked();
    for _ in 0..5 {
        machine
            .runtime
            .block_on(machine.agent.reboot())
            .expect("an answer");
        machine.wait_for_its_end();
        machine.start_agent();
    }
    assert!(machine.asked_to_restart());
    machine
        .runtime
        .block_on(machine.agent.shut_down())
        .expect("an answer");
    machine.wait_for_its_end();
    assert!(
        machine.calls().trim_end().ends_with(" start poweroff.target"),
        "{}",
        machine.calls()
    );
}

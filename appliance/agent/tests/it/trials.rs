//! A slot on trial: good, given up, or gone without a word.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ravelin_system::update::{UpdateOptions, UpdateState};
use ravelin_system::{AgentError, RefusalCode, Slot};
use ravelin_test_harness::{privileged, wait_until};

use crate::box_of::{Boot, Machine, PATIENCE};
use crate::workshop::{Recipe, Workshop, read};

/// A machine whose slot b has 2.0.0 and has just been booted on trial.
fn on_trial(workshop: &Workshop, more: &str) -> (Machine, String) {
    let certificate = workshop.certificate("ours");
    let mut machine = Machine::boot(Boot {
        more,
        ..Boot::of("1.0.0", &certificate)
    });
    let bundle = read(&workshop.bundle(Recipe::version("2.0.0")));
    let update = machine
        .upload(&bundle, &UpdateOptions::default())
        .expect("accepted");
    machine.wait_for(&update.id, UpdateState::ReadyToBoot);
    machine.grub_takes_the_trial();
    machine.reboot(Slot::B, true, "2.0.0");
    (machine, update.id)
}

/// What stands in for the engine: ready or not.
fn engine(machine: &Machine) -> Arc<AtomicBool> {
    let ready = Arc::new(AtomicBool::new(false));
    let listener = UnixListener::bind(machine.path("raveld.sock")).expect("socket");
    let answers = Arc::clone(&ready);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines();
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let answer = if answers.load(Ordering::SeqCst) {
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_owned()
            } else {
                let problem = r#"{"detail":"program xdp is not attached"}"#;
                format!(
                    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n{problem}",
                    problem.len()
                )
            };
            drop((&stream).write_all(answer.as_bytes()));
        }
    });
    ready
}

#[test]
fn a_slot_shows_step_by_step_that_it_works() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let text = fs::read_to_string("/proc/uptime").expect("uptime");
    let uptime: u64 = text
        .split('.')
        .next()
        .and_then(|whole| whole.parse().ok())
        .expect("seconds");
    let gateway = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let port = gateway.local_addr().expect("address").port();
    let more = format!("trial_seconds = {}\ngateway = '127.0.0.1:{port}'", uptime + 600);
    let (machine, id) = on_trial(&workshop, &more);
    assert_eq!(machine.wait_for(&id, UpdateState::OnTrial).slot, Some(Slot::B));
    let waiting = |what: &str| {
        wait_until(&format!("the trial waits for {what}"), PATIENCE, || {
            let status = machine.runtime.block_on(machine.agent.status()).expect("status");
            let trial = status.trial.expect("on trial");
            trial.waiting_for.is_some_and(|missing| missing.contains(what))
        });
    };
    waiting("the boot is not finished: the system is starting");
    let refused = machine.refused(b"", &UpdateOptions::default());
    assert_eq!(refused.code, RefusalCode::OnTrial);
    fs::write(machine.path("running"), "degraded\n").expect("state");
    waiting("the engine is not ready");
    let ready = engine(&machine);
    waiting("program xdp is not attached");
    ready.store(true, Ordering::SeqCst);
    waiting("the gateway does not answer");
    assert_eq!(
        machine.loader().read().expect("loader").good,
        Slot::A,
        "not good yet"
    );
    drop(gateway);
    // With another certificate than the one in the file it is not the gateway.
    let server = tls::Server::start(port, &machine.path("certificate.pem"));
    server.write_certificate_of_another();
    waiting("another certificate than the gateway's");
    server.write_own_certificate();
    machine.wait_for(&id, UpdateState::Good);
    let choice = machine.loader().read().expect("loader");
    assert_eq!((choice.good, choice.trial), (Slot::B, None));
    let status = machine.runtime.block_on(machine.agent.status()).expect("status");
    assert!(status.trial.is_none() && status.slots[1].good);
    assert!(machine.path("run/good").exists(), "the guard is told");
    machine.runtime.block_on(machine.agent.until_good());
    assert!(!machine.asked_to_restart());
}

#[test]
fn a_slot_that_does_not_show_it_in_time_is_given_up_and_the_reason_is_kept() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    // The machine of the test runs for longer than this already.
    let (mut machine, id) = on_trial(&workshop, "trial_seconds = 30");
    wait_until("the machine restarts", PATIENCE, || machine.asked_to_restart());
    let reason = machine
        .runtime
        .block_on(machine.agent.update(&id))
        .expect("update")
        .reason;
    let reason = reason.expect("a reason");
    assert!(reason.contains("the boot is not finished"), "{reason}");
    assert!(machine.log().contains("the slot on trial is given up"));
    assert_eq!(machine.loader().read().expect("loader").good, Slot::A);
    machine.reboot(Slot::A, false, "1.0.0");
    let rolled_back = machine.wait_for(&id, UpdateState::RolledBack);
    assert_eq!(rolled_back.reason, Some(reason));
}

#[test]
fn a_slot_that_went_without_a_word_is_rolled_back() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let certificate = workshop.certificate("ours");
    let mut machine = Machine::boot(Boot::of("1.0.0", &certificate));
    let bundle = read(&workshop.bundle(Recipe::version("2.0.0")));
    let update = machine
        .upload(&bundle, &UpdateOptions::default())
        .expect("accepted");
    machine.wait_for(&update.id, UpdateState::ReadyToBoot);
    machine.start_agent();
    machine.wait_for(&update.id, UpdateState::ReadyToBoot);
    machine.grub_takes_the_trial();
    machine.reboot(Slot::A, false, "1.0.0");
    let rolled_back = machine.wait_for(&update.id, UpdateState::RolledBack);
    assert!(
        rolled_back
            .reason
            .is_some_and(|reason| reason.contains("did not boot"))
    );
}

#[test]
fn a_slot_that_runs_because_the_good_one_does_not_becomes_good_and_never_restarts() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let certificate = workshop.certificate("ours");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("port")
        .port();
    let machine = Machine::boot(Boot {
        grub: &["good=b"],
        more: &format!("trial_seconds = 30\ngateway = '127.0.0.1:{port}'"),
        ..Boot::of("1.0.0", &certificate)
    });
    let refused = machine.refused(b"", &UpdateOptions::default());
    assert_eq!(
        refused.code,
        RefusalCode::OnTrial,
        "the other slot is not to be lost"
    );
    let ready = engine(&machine);
    ready.store(true, Ordering::SeqCst);
    let server = tls::Server::start(port, &machine.path("certificate.pem"));
    server.write_own_certificate();
    fs::write(machine.path("running"), "running\n").expect("state");
    wait_until("the slot is good", PATIENCE, || {
        machine.loader().read().expect("loader").good == Slot::A
    });
    assert!(!machine.asked_to_restart());
}

#[test]
fn a_boot_whose_user_space_runs_is_no_failed_one() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let certificate = workshop.certificate("ours");
    let machine = Machine::boot(Boot {
        grub: &["good=a", "attempts=xxxx"],
        ..Boot::of("1.0.0", &certificate)
    });
    assert_eq!(machine.loader().read().expect("loader").attempts, 0);
}

#[test]
fn what_is_no_appliance_has_no_slots_to_change() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let certificate = workshop.certificate("ours");
    let mut machine = Machine::boot(Boot::of("1.0.0", &certificate));
    fs::remove_file(machine.path("env")).expect("remove");
    machine.start_agent();
    let status = machine.runtime.block_on(machine.agent.status()).expect("status");
    assert!(status.booted.is_none() && status.slots.is_empty());
    let refused = machine.refused(b"", &UpdateOptions::default());
    assert_eq!(refused.code, RefusalCode::NotAnAppliance);
    let reset = machine
        .runtime
        .block_on(machine.agent.factory_reset())
        .expect_err("no appliance");
    assert!(matches!(&reset, AgentError::Refused(refusal) if refusal.code == RefusalCode::NotAnAppliance));
    assert!(!machine.asked_to_restart());
}

#[test]
fn a_factory_reset_leaves_its_mark_and_restarts() {
    if !privileged("netns") {
        return;
    }
    let workshop = Workshop::new();
    let certificate = workshop.certificate("ours");
    let machine = Machine::boot(Boot::of("1.0.0", &certificate));
    machine
        .runtime
        .block_on(machine.agent.factory_reset())
        .expect("reset");
    assert!(machine.path("state/factory-reset").exists());
    let block = fs::read(machine.path("efi/grub/grubenv")).expect("block");
    let environment = ravelin_system::grub_environment::GrubEnvironment::decode(&block).expect("block");
    assert_eq!(environment.get("reset"), Some("1"));
    assert!(machine.asked_to_restart());
}

/// What stands in for the gateway: TLS by openssl, with a certificate of its own.
mod tls {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use ravelin_test_harness::Process;
    use tempfile::TempDir;

    #[derive(Debug)]
    pub struct Server {
        dir: TempDir,
        told: PathBuf,
        _process: Process,
    }

    impl Server {
        pub fn start(port: u16, told: &Path) -> Self {
            let dir = tempfile::tempdir().expect("directory");
            for name in ["own", "other"] {
                let made = Command::new("openssl")
                    .args([
                        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=box",
                    ])
                    .arg("-keyout")
                    .arg(dir.path().join(format!("{name}.key")))
                    .arg("-out")
                    .arg(dir.path().join(format!("{name}.pem")))
                    .output()
                    .expect("openssl");
                assert!(made.status.success());
            }
            fs::write(dir.path().join("healthz"), "{}").expect("file");
            let mut command = Command::new("openssl");
            command
                .args([
                    "s_server",
                    "-quiet",
                    "-WWW",
                    "-accept",
                    &format!("127.0.0.1:{port}"),
                ])
                .args(["-key", "own.key", "-cert", "own.pem"])
                .current_dir(dir.path());
            let process = Process::spawn("s_server", command, dir.path());
            Self {
                dir,
                told: told.to_owned(),
                _process: process,
            }
        }

        pub fn write_own_certificate(&self) {
            fs::copy(self.dir.path().join("own.pem"), &self.told).expect("certificate");
        }

        pub fn write_certificate_of_another(&self) {
            fs::copy(self.dir.path().join("other.pem"), &self.told).expect("certificate");
        }
    }
}

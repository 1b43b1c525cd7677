//! The program itself, with the simulated data plane.

mod daemon;
mod recovery;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use daemon::{Daemon, raveld};

#[test]
fn what_was_set_survives_a_kill() {
    let mut daemon = Daemon::start("");
    let enabled = daemon.request("POST", "/api/v1/ebpf/features/dns_blocklist/enable");
    assert!(enabled.starts_with("HTTP/1.1 200"), "{enabled}");
    daemon.kill();
    assert!(
        daemon.run_dir().join("raveld.sock").exists(),
        "as a killed process leaves it"
    );
    daemon.start_again();
    let feature = daemon.request("GET", "/api/v1/ebpf/features/dns_blocklist");
    assert!(
        feature.contains("\"enabled\":true") && feature.contains("\"state\":\"active\""),
        "{feature}"
    );
}

#[test]
fn a_signal_to_stop_ends_it_with_success_though_an_event_stream_is_open() {
    for signal in ["TERM", "INT"] {
        let mut daemon = Daemon::start("");
        let stream = daemon.connect();
        daemon::send(&stream, "GET", "/api/v1/events");
        assert!(daemon::read_some(&stream).starts_with("HTTP/1.1 200"));
        let (status, log) = daemon.signal(signal);
        assert_eq!(status.code(), Some(0), "SIG{signal}: {log}");
        assert!(log.contains("raveld has stopped"), "{log}");
    }
}

#[test]
fn a_second_one_and_a_detach_are_told_that_one_runs() {
    let daemon = Daemon::start("");
    for command in ["run", "detach"] {
        let second = raveld(&[command, "--config", daemon.config()]);
        assert_eq!(second.code, Some(1), "{command}");
        assert!(
            second
                .errors
                .contains("another raveld is running with the state directory"),
            "{}",
            second.errors
        );
    }
    assert!(daemon.request("GET", "/healthz").starts_with("HTTP/1.1 200"));
}

#[test]
fn without_a_data_plane_it_stays_up_and_says_why() {
    // This build has none in the kernel, or the BPF file system is missing: either way there is no data plane.
    let daemon = Daemon::start("datapath = 'kernel'\nbpffs = '/proc'\n");
    let ready = daemon.request("GET", "/readyz");
    assert!(
        ready.starts_with("HTTP/1.1 503") && ready.contains("there is no data plane"),
        "{ready}"
    );
    let feature = daemon.request("GET", "/api/v1/ebpf/features/statistics");
    assert!(feature.contains("\"state\":\"failed\""), "{feature}");
    let enabled = daemon.request("POST", "/api/v1/ebpf/features/ddos_protection/enable");
    assert!(enabled.starts_with("HTTP/1.1 200"), "{enabled}");
}

#[test]
fn the_admin_token_is_shown_once() {
    let mut daemon = Daemon::start("");
    let token = fs::read_to_string(daemon.state_dir().join("admin-token")).expect("token");
    let (_, log) = daemon.signal("TERM");
    assert_eq!(log.matches(token.trim()).count(), 1, "{log}");
    daemon.start_again();
    let (_, log) = daemon.signal("TERM");
    assert_eq!(log.matches(token.trim()).count(), 1, "not again: {log}");
}

#[test]
fn files_and_directories_are_nobody_elses_business() {
    let daemon = Daemon::start("");
    let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!(mode(&daemon.state_dir()), 0o700);
    assert_eq!(mode(&daemon.run_dir()), 0o755);
    assert_eq!(mode(&daemon.run_dir().join("raveld.sock")), 0o660);
    for entry in fs::read_dir(daemon.state_dir()).expect("state") {
        let path = entry.expect("entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn every_thread_keeps_only_the_capabilities_it_needs() {
    let daemon = Daemon::start("");
    // CAP_NET_ADMIN 12, CAP_PERFMON 38, CAP_BPF 39: include/uapi/linux/capability.h.
    let kept: u64 = 1 << 12 | 1 << 38 | 1 << 39;
    for task in fs::read_dir(format!("/proc/{}/task", daemon.id())).expect("threads") {
        let status = fs::read_to_string(task.expect("thread").path().join("status")).expect("status");
        for set in ["CapPrm:", "CapEff:", "CapInh:", "CapAmb:"] {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(set))
                .expect("a set");
            let capabilities = u64::from_str_radix(line.trim(), 16).expect("hex");
            assert_eq!(capabilities & !kept, 0, "{set} {capabilities:x}");
        }
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    }
}

#[test]
fn a_wrong_configuration_is_refused_before_anything_is_made() {
    let directory = tempfile::tempdir().expect("directory");
    let config = directory.path().join("raveld.toml");
    let text = format!("state_dir = '{}/state'\nflow = 1\n", directory.path().display());
    fs::write(&config, text).expect("config");
    let config = config.to_str().expect("text");
    for arguments in [&["--check-config", "--config", config][..], &["--config", config]] {
        let refused = raveld(arguments);
        assert_eq!(refused.code, Some(1), "{arguments:?}");
        assert!(
            refused.errors.contains("unknown field `flow`"),
            "{}",
            refused.errors
        );
    }
    assert!(!directory.path().join("state").exists());
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/raveld.toml");
    assert_eq!(raveld(&["--check-config", "--config", example]).code, Some(0));
}

#[test]
fn the_specification_is_printed() {
    let printed = raveld(&["openapi"]);
    assert_eq!(printed.code, Some(0), "{}", printed.errors);
    assert!(
        printed.output.starts_with("{\n  \"openapi\": \"3.1"),
        "{}",
        printed.output
    );
}

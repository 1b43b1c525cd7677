//! Records that are written, and connections that end.

use std::io::Write;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ravelin_flows::records::{
    Ended, FlowRecordFilter, RecordCounters, RecordParts, RecordSink, StoredFlowRecord, spawn,
};
use ravelin_model::{
    Connection, ConnectionStatus, FlowCount, FlowRecordsConfig, FlowSettings, FlowTuple, Offload,
};
use ravelin_store::Store;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Records as the engine has them written.
pub(crate) struct Recording {
    pub(crate) sink: RecordSink,
    pub(crate) counters: Arc<RecordCounters>,
    pub(crate) settings: watch::Sender<FlowSettings>,
    pub(crate) store: Store,
    task: JoinHandle<()>,
}

impl Recording {
    pub(crate) async fn begin(config: Option<FlowRecordsConfig>) -> Self {
        Self::go_on(Store::in_memory().await.expect("store"), with(config))
    }

    /// With a store in which there may be records.
    pub(crate) fn go_on(store: Store, settings: FlowSettings) -> Self {
        let (settings, watched) = watch::channel(settings);
        let parts = RecordParts {
            store: store.clone(),
            settings: watched,
            judge: watch::channel(None).1,
        };
        let (sink, task) = spawn(parts);
        Self {
            counters: Arc::clone(sink.counters()),
            sink,
            settings,
            store,
            task,
        }
    }

    /// Writes what is left, and shows all there is, oldest first.
    pub(crate) async fn end(self) -> Vec<StoredFlowRecord> {
        drop(self.sink);
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("ends")
            .expect("does not panic");
        let filter = FlowRecordFilter {
            limit: u32::MAX,
            ..FlowRecordFilter::default()
        };
        let mut records = self.store.flow_records(&filter).await.expect("query");
        records.reverse();
        records
    }
}

/// Settings that say this of records.
pub(crate) fn with(records: Option<FlowRecordsConfig>) -> FlowSettings {
    FlowSettings {
        records,
        ..FlowSettings::default()
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !is() {
        assert!(tokio::time::Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn tuple(protocol: u8, source: (&str, u16), destination: (&str, u16)) -> FlowTuple {
    let address = |text: &str| -> IpAddr { text.parse().expect("address") };
    FlowTuple {
        source: address(source.0),
        destination: address(destination.0),
        protocol,
        source_port: source.1,
        destination_port: destination.1,
    }
}

/// A connection of UDP that timed out after it had sent so many packets.
pub(crate) fn ended(port: u16, packets: u64) -> Ended {
    let original = tuple(17, ("192.0.2.1", port), ("203.0.113.9", 53));
    let sent = FlowCount {
        packets,
        bytes: 60 * packets,
    };
    Ended {
        connection: Connection {
            id: port.into(),
            zone: 0,
            original,
            reply: original.inverted(),
            status: ConnectionStatus(ConnectionStatus::CONFIRMED),
            mark: 0,
            timeout_seconds: None,
            tcp_state: None,
            counts: Some([sent, FlowCount::default()]),
            started_at: Some(OffsetDateTime::now_utc()),
            ended_at: Some(OffsetDateTime::now_utc()),
            master: None,
            syn_proxy: false,
            labels: 0,
        },
        cached: [FlowCount::default(); 2],
        reason_hint: None,
        offload: Offload::None,
    }
}

/// Runs a program to its end with this input and gives its standard output.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start");
    let mut stdin = child.stdin.take().expect("stdin");
    stdin.write_all(input.as_bytes()).expect("write");
    drop(stdin);
    let output = child.wait_with_output().expect("run");
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Whether a program is installed; one the machine lacks is a failure where the tier has to run.
pub(crate) fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("-h").output().is_ok();
    let required = std::env::var("RAVELIN_REQUIRE").unwrap_or_default();
    assert!(
        found || !required.split(',').any(|tier| tier == "netns"),
        "{program} is not installed"
    );
    if !found {
        eprintln!("skipped, because {program} is not installed");
    }
    found
}

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ravelin_datapath::{EventTuning, Loaded, RawEvent, simulate_with_events};
use ravelin_model::Event;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{EventWorkers, Sinks};

/// Tells the indexes of interfaces events come from. Every third event takes its time.
struct Indexes {
    told: mpsc::UnboundedSender<u32>,
    converted: AtomicU64,
}

impl Sinks for Indexes {
    fn in_words(&self, batch: &[RawEvent]) -> Vec<Event> {
        let events = batch.iter().map(|RawEvent(raw)| {
            if self.converted.fetch_add(1, Relaxed).is_multiple_of(3) {
                std::thread::sleep(Duration::from_micros(50));
            }
            Event::InterfaceChanged {
                interface: String::new(),
                index: raw.ifindex,
                present: true,
                attached: true,
            }
        });
        events.collect()
    }

    fn publish(&self, events: Vec<Event>) {
        for event in events {
            if let Event::InterfaceChanged { index, .. } = event {
                self.told.send(index).expect("it is heard");
            }
        }
    }
}

/// Sends so many numbered events while `change` changes how they are read, and wants all of them in order.
async fn check<F>(events: u32, tuning: EventTuning, change: impl FnOnce(EventWorkers) -> F)
where
    F: Future<Output = ()>,
{
    let (
        Loaded {
            mut datapath,
            events: batches,
            ..
        },
        sender,
    ) = simulate_with_events();
    datapath.tune_events(&tuning).expect("tune");
    let (told, mut indexes) = mpsc::unbounded_channel();
    let workers = EventWorkers::new();
    let sinks = Indexes {
        told,
        converted: AtomicU64::new(0),
    };
    let all = async {
        let change = change(workers.clone());
        let send = async {
            for index in 0..events {
                let event = ravelin_abi::rv_event {
                    ifindex: index,
                    ..NOTHING
                };
                sender.send(RawEvent(event)).await.expect("queued");
            }
        };
        let hear = async {
            for expected in 0..events {
                assert_eq!(indexes.recv().await, Some(expected));
            }
        };
        tokio::join!(send, hear, change);
        let figures = workers.figures();
        assert!(figures.batches > 0);
        assert_eq!(figures.busy.len(), workers.now() as usize);
        assert!(figures.total_busy > Duration::ZERO);
        assert!(figures.total_busy >= figures.busy.iter().sum::<Duration>());
        let told = datapath.event_figures().expect("figures");
        assert_eq!((told.read, told.lost), (events.into(), 0));
    };
    tokio::select! {
        () = workers.clone().run(batches, sinks) => panic!("it ended"),
        done = timeout(Duration::from_secs(60), all) => done.expect("in time"),
    }
}

const NOTHING: ravelin_abi::rv_event = ravelin_abi::rv_event {
    kind: 1,
    version: 2,
    length: 344,
    ktime_ns: 0,
    ifindex: 0,
    frame_length: 0,
    reason: 0,
    family: 4,
    protocol: 17,
    source_port: 0,
    destination_port: 0,
    source: [0; 16],
    destination: [0; 16],
    object: 0,
    list: 0,
    revision: 0,
    name_length: 0,
    from_zone: 0,
    to_zone: 0,
    pad: [0; 5],
    name: [0; 256],
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_stay_in_order_whatever_the_number_of_workers() {
    for count in 1..=4 {
        let tuning = EventTuning {
            buffers: 8,
            batch: 3,
            rate: 200,
        };
        check(3000, tuning, move |workers| async move {
            assert_eq!(workers.set(count).await, count);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_stay_in_order_while_the_number_changes() {
    let tuning = EventTuning {
        buffers: 2,
        batch: 5,
        rate: 200,
    };
    check(5000, tuning, |workers| async move {
        for count in [4, 1, 3, 2, 4, 2, 1, 4, 3, 1].into_iter().cycle().take(60) {
            assert_eq!(workers.set(count).await, count);
            assert_eq!(workers.now(), count);
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn there_is_one_worker_at_least_and_not_any_number() {
    let workers = EventWorkers::new();
    let (loaded, _sender) = simulate_with_events();
    let (told, _indexes) = mpsc::unbounded_channel();
    let sinks = Indexes {
        told,
        converted: AtomicU64::new(0),
    };
    assert_eq!(workers.now(), 0);
    tokio::select! {
        () = workers.clone().run(loaded.events, sinks) => panic!("it ended"),
        () = async {
            assert_eq!(workers.set(0).await, 1);
            assert_eq!(workers.set(u32::MAX).await, super::MOST);
            assert_eq!(workers.set(1).await, 1);
        } => {}
    }
}

#[tokio::test]
async fn workers_can_be_set_though_no_event_ever_comes() {
    let workers = EventWorkers::new();
    let (told, _indexes) = mpsc::unbounded_channel();
    let sinks = Indexes {
        told,
        converted: AtomicU64::new(0),
    };
    let none = ravelin_datapath::EventBatches::none();
    tokio::select! {
        () = workers.clone().run(none, sinks) => panic!("it ended"),
        () = async {
            assert_eq!(workers.set(3).await, 3);
            assert_eq!(workers.set(1).await, 1);
        } => {}
    }
}

//! Figures of the image, beside a stock Debian cloud image in the same emulator.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use ravelin_test_harness::{eventually, privileged};
use ravelin_tests_image::{
    Appliance, BOOT, Cable, Disk, Machine, Networks, Plan, VERSION, fresh_disk, full, image_file,
};
use serde_json::Value;

/// Largest image, compressed as it is handed out.
const LARGEST_BYTES: u64 = 150_000_000;
/// Most memory in use when nothing happens.
const MOST_MEMORY_BYTES: u64 = 256 << 20;
/// How long nothing happens before memory is looked at.
const IDLE: Duration = Duration::from_secs(20);

/// Of one start of ours, each since the power came.
#[derive(Debug, Clone, Copy)]
struct Start {
    filter: Duration,
    ready: Duration,
}

#[test]
fn the_image_is_small_and_its_filter_is_there_before_a_stock_system_asks_for_a_login() {
    if !privileged("image") {
        return;
    }
    let rounds = if full() { 5 } else { 1 };
    let size = std::fs::metadata(image_file(&format!("ravelin-{VERSION}.raw.zst")))
        .expect("the image")
        .len();
    let networks = Networks::new();
    let disk = fresh_disk();
    // Both have had their first start, which makes keys and the like.
    let memory = first_start(&networks, &disk);
    let stock = stock_image().map(|image| Disk::of_image(&image, 0).expect("the stock image"));
    if let Some(stock) = &stock {
        stock_start(&networks, stock);
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(start(&networks, &disk));
        theirs.extend(stock.as_ref().map(|stock| stock_start(&networks, stock)));
    }
    let filter = median(ours.iter().map(|start| start.filter));
    let ready = median(ours.iter().map(|start| start.ready));
    eprintln!("image: {:.1} MB compressed", size as f64 / 1e6);
    eprintln!("memory in use when idle: {} MiB", memory >> 20);
    eprintln!("power to filter: {filter:.1?}, to ready: {ready:.1?}; {ours:.1?}");
    assert!(size <= LARGEST_BYTES, "{size} bytes");
    assert!(memory <= MOST_MEMORY_BYTES, "{memory} bytes");
    if stock.is_some() {
        let login = median(theirs.iter().copied());
        let ratio = |time: Duration| time.as_secs_f64() / login.as_secs_f64();
        eprintln!("power to login of stock Debian: {login:.1?}; {theirs:.1?}");
        eprintln!("ratio: filter {:.2}, ready {:.2}", ratio(filter), ratio(ready));
        assert!(
            !full() || ratio(filter) <= 1.0,
            "the filter is later than a login"
        );
        assert!(!full() || ratio(ready) <= 1.0, "the API is later than a login");
    }
}

/// Bytes in use when nothing happens any more.
fn first_start(networks: &Networks, disk: &Disk) -> u64 {
    let mut appliance = Appliance::between(networks, disk);
    appliance.wait_ready();
    appliance.sign_in();
    let mut least = u64::MAX;
    let begin = SystemTime::now();
    while begin.elapsed().unwrap_or_default() < IDLE {
        let system = appliance.api().get("/api/v1/system").expect(200).json();
        let bytes = |name: &str| system["memory"][name].as_u64().expect("memory");
        least = least.min(bytes("total_bytes") - bytes("available_bytes"));
        std::thread::sleep(Duration::from_secs(5));
    }
    switch_off(appliance);
    least
}

fn switch_off(appliance: Appliance<'_>) {
    appliance
        .api()
        .post("/api/v1/system/shutdown", &Value::Null)
        .expect(202);
    appliance.into_machine().wait_for_off(BOOT);
}

fn start(networks: &Networks, disk: &Disk) -> Start {
    let mut appliance = Appliance::between(networks, disk);
    let since = appliance.machine().switched_on();
    appliance.wait_ready();
    // The API has answered.
    let ready = SystemTime::now();
    appliance.sign_in();
    let filter = appliance.logged("raveld.service", "raveld has started");
    switch_off(appliance);
    let after = |moment: SystemTime| moment.duration_since(since).expect("after the power came");
    Start {
        filter: after(filter),
        ready: after(ready),
    }
}

/// Time from the power to the login prompt.
fn stock_start(networks: &Networks, disk: &Disk) -> Duration {
    let machine = Machine::start(&Plan::new(disk, &[Cable::Tap(&networks.wan.tap)]));
    let since = machine.switched_on();
    let login = eventually(BOOT, || machine.console().find("login:", 0));
    let login = login.unwrap_or_else(|| panic!("no login:\n{}", machine.console().tail()));
    disk.flush();
    login.at.duration_since(since).expect("after the power came")
}

/// What `stock_image` of `scripts/lib/image_stock.sh` made; where there is none, only our own figures are shown.
fn stock_image() -> Option<PathBuf> {
    let directory = image_file(".").join("stock");
    let mut files = std::fs::read_dir(directory)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()));
    files.find(|path| path.extension().is_some_and(|extension| extension == "raw"))
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

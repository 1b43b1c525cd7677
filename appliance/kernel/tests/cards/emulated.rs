//! Cards QEMU emulates and one the kernel plays, changed: under the kernel of the image only (scripts/lib/image_kernel.sh),
//! where `RAVELIN_REQUIRE` names `cards`.

use std::fs;
use std::path::Path;

use ravelin_model::{
    DeviceResource, EswitchMode, HardwareChange, HardwareProbe, PciId, ReceiveSpread, Rings, Told,
};
use ravelin_nic::assess;

use crate::support::{change, ip, probe, run, told};

/// Whether this is a machine whose cards are there to be changed.
fn may_change() -> bool {
    let required = std::env::var("RAVELIN_REQUIRE").unwrap_or_default();
    let may = required.split(',').any(|tier| tier == "cards");
    if !may {
        eprintln!("skipped, because RAVELIN_REQUIRE does not name cards");
    }
    may
}

/// The interface whose device has this driver. None: it is not to be changed.
fn emulated(driver: &str) -> Option<String> {
    if !may_change() {
        return None;
    }
    let links = fs::read_dir("/sys/class/net").expect("interfaces").flatten();
    let mut links = links.filter(|link| {
        let found = fs::read_link(link.path().join("device/driver"));
        found.is_ok_and(|found| found.file_name() == Some(driver.as_ref()))
    });
    let link = links
        .next()
        .unwrap_or_else(|| panic!("no interface with driver {driver}"));
    Some(link.file_name().into_string().expect("a name"))
}

/// No flow is to be handed to the card, for this reason.
#[track_caller]
fn check_refused(probe: &HardwareProbe, why: &str) {
    let assessment = assess(probe);
    assert!(!assessment.supported, "{assessment:?}");
    assert!(assessment.reason.contains(why), "{:?}", assessment.reason);
}

fn rings(interface: &str) -> Rings {
    *told(interface).rings.known().expect("rings")
}

fn spread(interface: &str) -> ReceiveSpread {
    told(interface).spread.known().expect("spread").clone()
}

#[test]
fn an_intel_card_is_known_and_refused() {
    let Some(interface) = emulated("e1000e") else {
        return;
    };
    let probe = probe(&interface);
    let intel_82574l = PciId {
        vendor: 0x8086,
        device: 0x10d3,
    };
    assert_eq!(probe.pci, Some(intel_82574l));
    assert!(probe.firmware.is_some());
    assert_eq!(probe.channels, Told::Unsupported);
    let model = assess(&probe).model;
    assert!(model.is_some_and(|model| model.contains("82574L")), "{model:?}");
    check_refused(&probe, "tc flower");
}

#[test]
fn rings_of_an_intel_card_are_set() {
    let Some(interface) = emulated("e1000e") else {
        return;
    };
    let before = rings(&interface);
    let set = |rx, tx| change(&interface, &HardwareChange::Rings { rx, tx });
    set(Some(512), Some(128)).expect("rings");
    probe(&interface);
    let now = rings(&interface);
    assert_eq!((now.rx, now.tx), (512, 128));
    set(None, Some(1024)).expect("rings");
    let now = rings(&interface);
    assert_eq!((now.rx, now.tx), (512, 1024), "what is not named stays");
    let refused = set(Some(now.rx_max + 1), None).expect_err("too many");
    assert!(
        refused.starts_with("requested ring size exceeds maximum"),
        "{refused}"
    );
    assert_eq!(rings(&interface), now);
    set(Some(before.rx), Some(before.tx)).expect("rings");
    assert_eq!(rings(&interface), before);
}

#[test]
fn features_of_an_intel_card_are_switched() {
    let Some(interface) = emulated("e1000e") else {
        return;
    };
    for name in ["rx-hashing", "rx-checksum", "tx-tcp-segmentation"] {
        let switch = |on| {
            let name = name.to_owned();
            change(&interface, &HardwareChange::Feature { name, on })
        };
        let active = |name| told(&interface).feature(name).expect(name).active;
        let before = active(name);
        switch(!before).expect(name);
        assert_eq!(active(name), !before, "{name}");
        probe(&interface);
        switch(before).expect(name);
        assert_eq!(active(name), before, "{name}");
    }
    for name in ["rx-lro", "rx-ntuple-filter", "hw-tc-offload"] {
        let name = name.to_owned();
        let refused = change(&interface, &HardwareChange::Feature { name, on: true });
        assert!(refused.expect_err("fixed").ends_with("the driver fixes it"));
    }
}

#[test]
fn a_virtual_card_is_known_and_refused() {
    let Some(interface) = emulated("virtio_net") else {
        return;
    };
    let probe = probe(&interface);
    let virtio = [0x1000, 0x1041].map(|device| PciId {
        vendor: 0x1af4,
        device,
    });
    assert!(
        probe.pci.is_some_and(|pci| virtio.contains(&pci)),
        "{:?}",
        probe.pci
    );
    let xdp = probe.xdp.known().expect("XDP");
    assert!(xdp.native && !xdp.hardware, "{xdp:?}");
    check_refused(&probe, "virtio_net is the guest's end of a link to its host");
}

/// Under 6.12, netlink cannot set the table: the ioctl does. There is one queue, so it can only be filled with 0, and
/// what else one asks for is refused.
#[test]
fn the_spread_of_a_virtual_card_is_set_and_refused() {
    let Some(interface) = emulated("virtio_net") else {
        return;
    };
    let before = spread(&interface);
    assert_eq!(before.hash_function, 1, "Toeplitz");
    assert_eq!(before.symmetric, Some(false));
    let set = |queues| change(&interface, &HardwareChange::Indirection(queues));
    set(vec![0; before.indirection.len()]).expect("indirection");
    set(vec![1; before.indirection.len()]).expect_err("there is no queue 1");
    set(vec![0; 3]).expect_err("the table has more entries");
    change(&interface, &HardwareChange::SymmetricSpread(false)).expect("it is so already");
    let refused = change(&interface, &HardwareChange::SymmetricSpread(true)).expect_err("unsupported");
    assert!(refused.contains("not supported"), "{refused}");
    assert_eq!(spread(&interface), before);
}

/// A card of netdevsim, gone when this is dropped.
struct Simulated {
    interface: String,
}

const SIMULATED: &str = "netdevsim/netdevsim77";

impl Simulated {
    fn plug_in() -> Option<Self> {
        if !may_change() {
            return None;
        }
        let bus = Path::new("/sys/bus/netdevsim");
        fs::write(bus.join("new_device"), "77 1 4").expect("new device");
        let mut links = fs::read_dir(bus.join("devices/netdevsim77/net")).expect("interfaces");
        let link = links.next().expect("an interface").expect("an interface");
        Some(Self {
            interface: link.file_name().into_string().expect("a name"),
        })
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        drop(fs::write("/sys/bus/netdevsim/del_device", "77"));
    }
}

#[test]
fn devlink_tells_of_the_device_behind_the_interface() {
    let Some(card) = Simulated::plug_in() else { return };
    let devlink = || match told(&card.interface).devlink {
        Told::Known(device) => device,
        other => panic!("{other:?}"),
    };
    let device = devlink();
    assert_eq!(device.handle, SIMULATED);
    assert_eq!(device.driver.as_deref(), Some("netdevsim"));
    assert_eq!(
        device.running_versions,
        [("fw.mgmt".to_owned(), "10.20.30".to_owned())]
    );
    assert_eq!(device.eswitch_mode, Some(EswitchMode::Legacy));
    let named = |name: &str| -> DeviceResource {
        let resources = devlink().resources;
        let found = resources.iter().find(|resource| resource.name == name);
        found.unwrap_or_else(|| panic!("{name}: {resources:?}")).clone()
    };
    assert_eq!(named("IPv4/fib").size, u64::MAX, "without limit");
    assert_eq!(named("IPv4").occupied, None);
    let set = format!("resource set {SIMULATED} path /IPv4/fib size 64");
    assert!(run("devlink", &set).is_some(), "{set}");
    assert!(
        run("devlink", &format!("dev reload {SIMULATED}")).is_some(),
        "reload"
    );
    // The interface was made anew.
    assert_eq!(named("IPv4/fib").size, 64);
    let before = named("IPv4/fib").occupied.expect("occupancy");
    ip(&format!("address add 192.0.2.1/24 dev {}", card.interface));
    ip(&format!("link set {} up", card.interface));
    let after = named("IPv4/fib").occupied.expect("occupancy");
    assert!(after > before, "{before} → {after} routes");
    let switch = format!("dev eswitch set {SIMULATED} mode switchdev");
    assert!(run("devlink", &switch).is_some(), "{switch}");
    assert_eq!(devlink().eswitch_mode, Some(EswitchMode::Switchdev));
}

#[test]
fn a_simulated_card_takes_what_a_card_takes() {
    let Some(card) = Simulated::plug_in() else { return };
    let interface = &card.interface;
    let before = probe(interface);
    assert_eq!(before.pci, None);
    assert!(before.xdp.known().expect("XDP").hardware);
    let channels = HardwareChange::Channels {
        rx: None,
        tx: None,
        combined: Some(2),
    };
    change(interface, &channels).expect("channels");
    assert_eq!(told(interface).channels.known().expect("channels").combined, 2);
    let rings = HardwareChange::Rings {
        rx: Some(1024),
        tx: Some(256),
    };
    change(interface, &rings).expect("rings");
    let now = self::rings(interface);
    assert_eq!((now.rx, now.tx), (1024, 256));
    for on in [true, false] {
        let name = "hw-tc-offload".to_owned();
        change(interface, &HardwareChange::Feature { name, on }).expect("feature");
        let told = probe(interface);
        assert_eq!(told.feature("hw-tc-offload").expect("feature").active, on);
        check_refused(&told, "netdevsim simulates a card");
    }
}

use ravelin_model::HardwareSettings;
use ravelin_store::{Store, StoredOriginal};

use crate::policy::every_hardware_setting;

fn original(interface: &str, device: &str, hardware: HardwareSettings) -> StoredOriginal {
    StoredOriginal {
        interface: interface.to_owned(),
        device: device.to_owned(),
        hardware,
    }
}

#[tokio::test]
async fn what_a_card_was_set_to_survives_until_it_is_forgotten() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.db");
    let store = Store::open(&path).await.expect("open");
    let first = original("lan0", "boot 1", HardwareSettings::default());
    let other = original("wan0", "boot 2", every_hardware_setting());
    for original in [&first, &other] {
        store.remember_original(original).await.expect("remember");
    }
    let later = original("lan0", "boot 3", every_hardware_setting());
    store.remember_original(&later).await.expect("remember");
    store.close().await;

    let store = Store::open(&path).await.expect("open again");
    let found = store.interface_originals().await.expect("originals");
    assert_eq!(found, [later, other.clone()]);
    store.forget_original("lan0").await.expect("forget");
    assert_eq!(store.interface_originals().await.expect("originals"), [other]);
}

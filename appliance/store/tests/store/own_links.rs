use crate::support::store;

#[tokio::test]
async fn own_links_are_known_until_they_are_gone_or_the_box_was_booted() {
    let store = store().await;
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let remember = async |links: &[&str], boot| {
        let remembered = store.remember_own_links(&names(links), boot).await;
        remembered.expect("remember");
    };
    remember(&["br0", "lan0.10"], "first").await;
    remember(&[], "first").await;
    remember(&["br0"], "first").await;
    assert_eq!(
        store.own_links("first").await.expect("links"),
        names(&["br0", "lan0.10"])
    );
    store.forget_own_link("br0").await.expect("forget");
    store.forget_own_link("never").await.expect("forget");
    assert_eq!(
        store.own_links("first").await.expect("links"),
        names(&["lan0.10"])
    );
    remember(&["br1"], "second").await;
    assert_eq!(store.own_links("second").await.expect("links"), names(&["br1"]));
    assert_eq!(store.own_links("first").await.expect("links"), names(&[]));
}

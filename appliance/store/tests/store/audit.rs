use ravelin_model::Revision;
use ravelin_store::AuditEntry;

use crate::support::{at, author, store};

fn entry(seconds: i64, status: u16) -> AuditEntry {
    AuditEntry {
        at: at(seconds),
        author: author(),
        request_id: format!("request-{seconds}"),
        method: "POST".to_owned(),
        path: "/api/v1/lists".to_owned(),
        status,
        before: Revision(3),
        after: Revision(4),
    }
}

#[tokio::test]
async fn the_trail_is_read_newest_first_in_pages() {
    let store = store().await;
    for (seconds, status) in [(1, 201), (2, 409), (3, 503)] {
        store.record_audit(&entry(seconds, status)).await.expect("record");
    }
    let newest = store.audit(None, 2).await.expect("audit");
    assert_eq!(newest, [(3, entry(3, 503)), (2, entry(2, 409))]);
    assert_eq!(
        store.audit(Some(2), 2).await.expect("audit"),
        [(1, entry(1, 201))]
    );
}

use http::Method;
use ravelin_test_harness::Request;
use serde_json::json;

use crate::check::check_refused;
use crate::world::World;

const PATH: &str = "/api/v1/hardware-flows";

#[test]
fn without_cards_nothing_is_in_them() {
    let world = World::new();
    for query in ["", "?state=installed", "?state=would_install&interface=lan0&limit=1"] {
        let page = world.admin().get(&format!("{PATH}{query}")).expect(200).json();
        assert_eq!(page, json!({"items": [], "next_cursor": null}), "{query}");
    }
    for query in ["?state=in_card", "?limit=0", "?limit=1001", "?cursor=*", "?card=lan0"] {
        let request = Request::new(Method::GET, &format!("{PATH}{query}"));
        check_refused(&world, &request, 400, "invalid-query");
    }
}

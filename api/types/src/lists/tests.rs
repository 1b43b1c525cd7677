use time::macros::datetime;

use super::*;
use crate::{BadBody, parse_with};

const NOW: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

fn check(kind: model::ListKind, body: &str, expected: Result<&[&str], &[(&str, &str)]>) {
    let read = parse_with(body.as_bytes(), |node, errors| {
        NewEntries::read(node, kind, NOW, errors)
    });
    match (read, expected) {
        (Ok(values), Ok(texts)) => {
            let found: Vec<_> = values.iter().map(model::EntryValue::text).collect();
            assert_eq!(found, texts, "{body}");
        }
        (Err(BadBody::Invalid(errors)), Err(expected)) => {
            let found: Vec<_> = errors
                .iter()
                .map(|e| (e.pointer.as_str(), e.code.as_str()))
                .collect();
            assert_eq!(found, expected, "{body}");
        }
        (read, _) => panic!("{body}: {read:?}"),
    }
}

#[test]
fn addresses_are_made_canonical() {
    let address = model::ListKind::Address;
    check(address, r#"{"value":"203.0.113.7"}"#, Ok(&["203.0.113.7/32"]));
    check(
        address,
        r#"{"entries":[{"value":"203.0.113.7/24"},{"value":"2001:DB8:0::1/32","expires_at":null}]}"#,
        Ok(&["203.0.113.0/24", "2001:db8::/32"]),
    );
    check(address, r#"{"entries":[]}"#, Ok(&[]));
}

#[test]
fn domains_are_made_canonical() {
    check(
        model::ListKind::Domain,
        r#"{"entries":[{"value":"Example.COM."},{"value":"=a.example"},{"value":"*.b.example"}]}"#,
        Ok(&["example.com", "=a.example", "*.b.example"]),
    );
}

#[test]
fn every_wrong_entry_is_named() {
    check(
        model::ListKind::Address,
        r#"{"entries":[{"value":"999.1.1.1/33"},{"value":"::1","expires_at":"2025-12-31T23:59:59Z"},
            {"value":"10.0.0.1","expires_at":"tomorrow"},{"value":7,"x":1},{}],"y":2}"#,
        Err(&[
            ("/entries/0/value", "format"),
            ("/entries/1/expires_at", "range"),
            ("/entries/2/expires_at", "format"),
            ("/entries/3/value", "type"),
            ("/entries/3/x", "unknown_field"),
            ("/entries/4/value", "required"),
            ("/y", "unknown_field"),
        ]),
    );
    check(
        model::ListKind::Domain,
        r#"{"value":"a..b","expires_at":"2027-01-01T00:00:00Z","entries":[]}"#,
        Err(&[
            ("/value", "format"),
            ("/expires_at", "not_applicable"),
            ("/entries", "unknown_field"),
        ]),
    );
}

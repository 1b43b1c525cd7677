use ravelin_model::{EntryValue, InvalidName, ListKind};

use super::{Ignored, Invalid, ListLine, MAX_LINE_BYTES, parse_line};
use crate::random::Random;

fn check(kind: ListKind, line: impl AsRef<[u8]>, expected: Result<&[&str], ListLine>) {
    let line = line.as_ref();
    let found = match parse_line(kind, line) {
        ListLine::Entries(entries) => Ok(entries.iter().map(EntryValue::text).collect::<Vec<_>>()),
        other => Err(other),
    };
    let expected = expected.map(|values| values.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(found, expected, "{kind:?}: {}", line.escape_ascii());
}

fn accepted(kind: ListKind, line: &str, values: &[&str]) {
    check(kind, line, Ok(values));
}

fn ignored(kind: ListKind, line: &str, reason: Ignored) {
    check(kind, line, Err(ListLine::Ignored(reason)));
}

fn invalid(kind: ListKind, line: impl AsRef<[u8]>, reason: Invalid) {
    check(kind, line, Err(ListLine::Invalid(reason)));
}

#[test]
fn addresses_and_prefixes_are_taken_in_canonical_form() {
    for (line, value) in [
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.77/24", "192.0.2.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8:0:0::1", "2001:db8::1/128"),
        ("2001:db8::ffff/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("  192.0.2.1\t\r\n", "192.0.2.1/32"),
        ("\u{feff}192.0.2.1\n", "192.0.2.1/32"),
        ("192.0.2.0/24 ; SBL1234", "192.0.2.0/24"),
        ("192.0.2.1#seen today", "192.0.2.1/32"),
    ] {
        accepted(ListKind::Address, line, &[value]);
    }
}

#[test]
fn what_is_no_address_is_refused_with_the_reason() {
    for (line, reason) in [
        ("999.1.1.1/33", Invalid::NotAnAddress),
        ("999.1.1.1", Invalid::NotAnAddress),
        ("192.0.2.1/33", Invalid::NotAnAddress),
        ("192.0.2.1/", Invalid::NotAnAddress),
        ("192.0.2.1/-1", Invalid::NotAnAddress),
        ("192.0.2.0/255.255.255.0", Invalid::NotAnAddress),
        ("192.0.2.01", Invalid::NotAnAddress),
        ("2001:db8::/129", Invalid::NotAnAddress),
        ("2001:db8:::1", Invalid::NotAnAddress),
        ("fe80::1%eth0", Invalid::NotAnAddress),
        ("192.0.2.1-192.0.2.9", Invalid::AddressRange),
        ("192.0.2.1 - 192.0.2.9", Invalid::AddressRange),
        ("2001:db8::1-2001:db8::9", Invalid::AddressRange),
        ("192.0.2.1 192.0.2.2", Invalid::TrailingText),
        ("0.0.0.0 a.example", Invalid::TrailingText),
        ("a.example", Invalid::NameInAddressList),
        ("||a.example^", Invalid::NameInAddressList),
        ("a-b.example", Invalid::NameInAddressList),
    ] {
        invalid(ListKind::Address, line, reason);
    }
}

#[test]
fn names_are_taken_with_the_scope_their_form_means() {
    for (line, value) in [
        ("Example.COM.", "example.com"),
        (".example.com", "example.com"),
        ("*.example.com", "*.example.com"),
        ("=example.com", "=example.com"),
        ("example.com # comment", "example.com"),
        ("example.com ## comment", "example.com"),
        ("example.com;comment", "example.com"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("_dmarc.4.example", "_dmarc.4.example"),
        ("||example.com^", "example.com"),
        ("||example.com^|", "example.com"),
        ("||*.example.com^", "*.example.com"),
        ("address=/example.com/", "example.com"),
        ("address=/example.com/#", "example.com"),
        ("address=/example.com/0.0.0.0", "example.com"),
        ("address=/example.com/::", "example.com"),
        ("local=/example.com/", "example.com"),
        ("0.0.0.0 example.com", "=example.com"),
        ("127.0.0.1\texample.com # ad", "=example.com"),
        (":: example.com", "=example.com"),
        ("::1 example.com", "=example.com"),
        ("0.0.0.0 localhost example.com", "=example.com"),
        ("\u{feff}example.com\r\n", "example.com"),
    ] {
        accepted(ListKind::Domain, line, &[value]);
    }
    accepted(
        ListKind::Domain,
        "0.0.0.0 a.example b.example",
        &["=a.example", "=b.example"],
    );
    accepted(
        ListKind::Domain,
        "address=/a.example/b.example/",
        &["a.example", "b.example"],
    );
}

#[test]
fn what_is_no_name_is_refused_with_the_reason() {
    let long_name = "a.".repeat(150);
    let long_label = format!("{}.example", "a".repeat(64));
    for (line, reason) in [
        ("192.0.2.1", Invalid::AddressInDomainList),
        ("2001:db8::/32", Invalid::AddressInDomainList),
        ("||192.0.2.1^", Invalid::AddressInDomainList),
        ("address=/192.0.2.1/", Invalid::AddressInDomainList),
        ("999.1.1.1", Invalid::EndsInNumber),
        ("0.0.0.0 a.example 300.1.1.1", Invalid::EndsInNumber),
        ("a.example b.example", Invalid::TrailingText),
        ("a.example CNAME .", Invalid::TrailingText),
        ("192.0.2.1 printer.example", Invalid::Redirect),
        ("address=/a.example/192.0.2.1", Invalid::Redirect),
        ("address=/a.example", Invalid::NotAWholeDomain),
        ("||a.example", Invalid::NotAWholeDomain),
        ("||a.example/ads^", Invalid::NotAWholeDomain),
        ("||a.example^b^", Invalid::NotAWholeDomain),
        ("|https://a.example|", Invalid::NotAWholeDomain),
        ("https://a.example/", Invalid::NotAWholeDomain),
        ("/ads.js", Invalid::NotAWholeDomain),
        ("||ads.*^", Invalid::Name(InvalidName::Character)),
        ("*.*.example", Invalid::Name(InvalidName::Character)),
        (".*.example", Invalid::Name(InvalidName::Character)),
        ("=*.example", Invalid::Name(InvalidName::Character)),
        ("münchen.example", Invalid::Name(InvalidName::Character)),
        ("a..example", Invalid::Name(InvalidName::Label)),
        ("..example", Invalid::Name(InvalidName::Label)),
        (&long_label, Invalid::Name(InvalidName::Label)),
        (&long_name, Invalid::Name(InvalidName::TooLong)),
        (".", Invalid::Name(InvalidName::Empty)),
        ("=", Invalid::Name(InvalidName::Empty)),
        ("||^", Invalid::Name(InvalidName::Empty)),
        ("address=//", Invalid::Name(InvalidName::Empty)),
        (
            "0.0.0.0 a.example bad/name",
            Invalid::Name(InvalidName::Character),
        ),
    ] {
        invalid(ListKind::Domain, line, reason);
    }
}

#[test]
fn what_adds_nothing_is_ignored_with_the_reason() {
    for kind in [ListKind::Address, ListKind::Domain] {
        for line in ["", " \t", "\r\n", "\n", "\u{feff}"] {
            ignored(kind, line, Ignored::Empty);
        }
        for line in [
            "# 192.0.2.1",
            "; a.example",
            "! Title: x",
            "[Adblock Plus 2.0]",
            "## x",
            "#",
        ] {
            ignored(kind, line, Ignored::Comment);
        }
    }
    for (line, reason) in [
        ("127.0.0.1 localhost", Ignored::LocalName),
        ("::1 LOCALHOST ip6-localhost ip6-loopback", Ignored::LocalName),
        ("255.255.255.255 broadcasthost", Ignored::LocalName),
        ("fe80::1%lo0 localhost", Ignored::LocalName),
        ("ff02::1 ip6-allnodes", Ignored::LocalName),
        ("0.0.0.0 0.0.0.0", Ignored::LocalName),
        ("example.com##.banner", Ignored::Cosmetic),
        ("a.example,b.example#@#.banner", Ignored::Cosmetic),
        ("example.com#?#div:has(> a)", Ignored::Cosmetic),
        ("@@||example.com^", Ignored::AllowRule),
        ("/^ads[0-9]+\\./", Ignored::Regex),
        ("||example.com^$third-party", Ignored::Options),
        ("||example.com$script", Ignored::Options),
    ] {
        ignored(ListKind::Domain, line, reason);
    }
}

#[test]
fn lines_are_bounded_and_must_be_text() {
    let longest = format!("192.0.2.1{}", " ".repeat(MAX_LINE_BYTES - 9));
    for kind in [ListKind::Address, ListKind::Domain] {
        invalid(kind, format!("{longest} "), Invalid::TooLong);
        invalid(kind, b"\xff", Invalid::NotUtf8);
        invalid(kind, b"# caf\xe9", Invalid::NotUtf8);
    }
    accepted(ListKind::Address, &format!("{longest}\r\n"), &["192.0.2.1/32"]);
}

/// Whatever is taken from whatever bytes reads the same when written out and read again.
#[test]
fn any_bytes_are_read_and_what_is_taken_is_canonical() {
    const PIECES: [&str; 30] = [
        "||",
        "^",
        "$",
        "@@",
        "#",
        "##",
        ";",
        "!",
        "[",
        "*.",
        "=",
        ".",
        "/",
        "-",
        " ",
        "\t",
        "%",
        ":",
        "::",
        "address=/",
        "local=/",
        "0.0.0.0",
        "192.0.2.1",
        "2001:db8::",
        "/24",
        "example",
        "com",
        "é",
        "\u{feff}",
        "ip6-",
    ];
    let mut random = Random::seeded();
    let mut taken = 0;
    for round in 0..200_000_u32 {
        let mut line = Vec::new();
        for _ in 0..random.below(12) {
            if round % 4 == 0 {
                line.push(random.byte());
            } else {
                line.extend_from_slice(PIECES[random.below(PIECES.len())].as_bytes());
            }
        }
        for kind in [ListKind::Address, ListKind::Domain] {
            if let ListLine::Entries(entries) = parse_line(kind, &line) {
                assert!(!entries.is_empty(), "{}", line.escape_ascii());
                for entry in entries {
                    taken += 1;
                    check(kind, entry.text(), Ok(&[&entry.text()]));
                }
            }
        }
    }
    assert!(taken > 1000, "only {taken} entries came of the random lines");
}

//! Domain names from the wire as text.

use std::fmt::Write;

/// The presentation form (RFC 1035 section 5.1, RFC 4343 section 2.1) of an uncompressed name in wire format:
/// labels with dots between them, no final dot, `.` for the root. A dot or backslash inside a label is written
/// `\.` or `\\`, any other byte outside `!`..`~` as `\DDD`. ASCII letters come out in lower case.
///
/// Total: where the bytes end or stop making sense (a length over 63, a compression pointer), so does the text.
/// Bytes after the root label are not looked at.
pub fn presentation(wire: &[u8]) -> String {
    let mut text = String::with_capacity(wire.len());
    let mut rest = wire;
    while let [length @ 1..=63, after @ ..] = rest {
        let (label, following) = after.split_at(usize::from(*length).min(after.len()));
        if !text.is_empty() {
            text.push('.');
        }
        for &byte in label {
            push_escaped(&mut text, byte);
        }
        rest = following;
    }
    if text.is_empty() {
        text.push('.');
    }
    text
}

fn push_escaped(text: &mut String, byte: u8) {
    match byte {
        b'.' | b'\\' => {
            text.push('\\');
            text.push(char::from(byte));
        }
        b'!'..=b'~' => text.push(char::from(byte.to_ascii_lowercase())),
        // Writing to a String cannot fail.
        _ => write!(text, "\\{byte:03}").unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::presentation;
    use crate::random::Random;

    fn check(wire: &[u8], expected: &str) {
        assert_eq!(presentation(wire), expected, "{}", wire.escape_ascii());
    }

    #[test]
    fn names_come_out_as_people_write_them() {
        check(b"\x03www\x07example\x03com\0", "www.example.com");
        check(b"\x03WwW\x07eXaMPLE\0", "www.example");
        check(b"\0", ".");
        check(b"\x01a\0trailing", "a");
    }

    #[test]
    fn bytes_that_are_no_host_name_are_escaped() {
        check(b"\x03a.b\x03c\\d\0", "a\\.b.c\\\\d");
        check(b"\x04\x00\x20\x7f\xff\0", "\\000\\032\\127\\255");
        check(b"\x02\xc3\xa9\0", "\\195\\169");
        check(b"\x05~!\"()\0", "~!\"()");
    }

    #[test]
    fn text_ends_where_the_name_stops_making_sense() {
        check(b"", ".");
        check(b"\x03www", "www");
        check(b"\x07exam", "exam");
        check(b"\x03www\x07", "www.");
        check(b"\x03www\xc0\x0c", "www");
        check(b"\x40aaaa", ".");
    }

    #[test]
    fn any_bytes_give_printable_text() {
        let mut random = Random::seeded();
        for _ in 0..50_000 {
            let wire: Vec<u8> = (0..random.below(80)).map(|_| random.byte() & 0x7f).collect();
            let text = presentation(&wire);
            assert!(
                text.bytes().all(|byte| byte.is_ascii_graphic()),
                "{}",
                wire.escape_ascii()
            );
            assert!(text.len() <= 1 + 5 * wire.len(), "{}", wire.escape_ascii());
        }
    }
}

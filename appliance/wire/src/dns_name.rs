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

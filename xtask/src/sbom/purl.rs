//! Package URLs.

use std::fmt::Write;

/// `pkg:TYPE/NAME@VERSION`, the name with its namespace; qualifiers in order of their keys.
pub fn purl(kind: &str, name: &str, version: &str, qualifiers: &[(&str, &str)]) -> String {
    let mut purl = format!("pkg:{kind}/{}@{}", encode(name), encode(version));
    for (index, (key, value)) in qualifiers.iter().enumerate() {
        let mark = if index == 0 { '?' } else { '&' };
        let _ = write!(purl, "{mark}{key}={}", encode(value));
    }
    purl
}

/// Everything but letters, digits and `-._~/:` as `%XX`. A colon may stand as it is.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[test]
fn purls_are_encoded() {
    assert_eq!(
        purl(
            "deb",
            "debian/libstdc++6",
            "1:14.2.0-19+b1~x",
            &[("arch", "amd64"), ("distro", "debian-13")]
        ),
        "pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19%2Bb1~x?arch=amd64&distro=debian-13"
    );
}

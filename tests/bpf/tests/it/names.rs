//! The names these tests list.

use ravelin_compile::{NameImage, NameSource};
use ravelin_model::{DomainPattern, ListId};

/// Patterns, each on a list of its own.
const PATTERNS: [&str; 12] = [
    "blocked.example",
    "=exact.example",
    "*.below.example",
    "a.b.c.d.deep.example",
    "=child.blocked2.example",
    "*.blocked2.example",
    "tld-only",
    "under_score.example",
    "xn--mnchen-3ya.de",
    "=1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.many.example",
    "z",
    "123.example",
];

/// The compiled patterns.
#[derive(Debug)]
pub struct Listed {
    pub image: NameImage,
}

impl Listed {
    /// Set number a name in wire format falls under, and whether itself is listed.
    pub fn hit(&self, wire: &[u8]) -> (u32, bool) {
        let name = text(wire).parse().unwrap();
        let (set, whole) = self.image.lookup(&name).expect("a listed name");
        (u32::try_from(set).unwrap(), whole)
    }
}

/// Compiles the patterns.
pub fn listed() -> Listed {
    let patterns: Vec<DomainPattern> = PATTERNS.iter().map(|text| text.parse().unwrap()).collect();
    let lists: Vec<ListId> = (0..PATTERNS.len())
        .map(|number| format!("lst_{number}").parse().unwrap())
        .collect();
    let sources: Vec<NameSource<'_>> = patterns
        .iter()
        .zip(&lists)
        .map(|(pattern, list)| NameSource { pattern, list })
        .collect();
    Listed {
        image: NameImage::build(&sources, 0x0123_4567_89ab_cdef, 1024).unwrap(),
    }
}

/// A name in wire format as text.
pub fn text(wire: &[u8]) -> String {
    let mut labels = Vec::new();
    let mut at = 0;
    while wire[at] != 0 {
        let end = at + 1 + usize::from(wire[at]);
        labels.push(std::str::from_utf8(&wire[at + 1..end]).unwrap());
        at = end;
    }
    labels.join(".")
}

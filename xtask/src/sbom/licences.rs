//! Licences as copyright files of Debian name them (DEP 5), as identifiers of SPDX where they are the same.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// Names in Debian and in SPDX.
const SAME: &[(&str, &str)] = &[
    ("0BSD", "0BSD"),
    ("AFL-2.1", "AFL-2.1"),
    ("Apache-2", "Apache-2.0"),
    ("Apache-2.0", "Apache-2.0"),
    ("Artistic", "Artistic-1.0-Perl"),
    ("BSD-2-clause", "BSD-2-Clause"),
    ("BSD-2-Clause", "BSD-2-Clause"),
    ("BSD-3-clause", "BSD-3-Clause"),
    ("BSD-3-Clause", "BSD-3-Clause"),
    ("BSL-1.0", "BSL-1.0"),
    ("CC0", "CC0-1.0"),
    ("CC0-1.0", "CC0-1.0"),
    ("Expat", "MIT"),
    ("GFDL-1.3+", "GFDL-1.3-or-later"),
    ("GPL-1+", "GPL-1.0-or-later"),
    ("GPL-2", "GPL-2.0-only"),
    ("GPL-2+", "GPL-2.0-or-later"),
    ("GPL-3", "GPL-3.0-only"),
    ("GPL-3+", "GPL-3.0-or-later"),
    ("ISC", "ISC"),
    ("LGPL-2", "LGPL-2.0-only"),
    ("LGPL-2+", "LGPL-2.0-or-later"),
    ("LGPL-2.1", "LGPL-2.1-only"),
    ("LGPL-2.1+", "LGPL-2.1-or-later"),
    ("LGPL-3", "LGPL-3.0-only"),
    ("LGPL-3+", "LGPL-3.0-or-later"),
    ("MIT", "MIT"),
    ("MPL-2.0", "MPL-2.0"),
    ("OFL-1.1", "OFL-1.1"),
    ("OpenSSL", "OpenSSL"),
    ("Unlicense", "Unlicense"),
    ("Zlib", "Zlib"),
    ("zlib", "Zlib"),
];

const COMMON: &str = "/usr/share/common-licenses/";

/// Names in the fields `License` of a copyright file. Of one that has none, the texts in common it refers to.
pub fn of_copyright(text: &str) -> BTreeSet<String> {
    let named: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("License:"))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if !named.is_empty() {
        return named;
    }
    text.match_indices(COMMON)
        .map(|(index, _)| {
            let rest = &text[index + COMMON.len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-.".contains(c));
            rest[..end.unwrap_or(rest.len())].trim_end_matches('.')
        })
        .filter(|name| !name.is_empty())
        .map(|name| format!("see common-licenses/{name}"))
        .collect()
}

/// As an entry of a component's licences.
pub fn licence(name: &str) -> Value {
    match SAME.iter().find(|(debian, _)| *debian == name) {
        Some((_, spdx)) => json!({"license": {"id": spdx}}),
        None => json!({"license": {"name": name}}),
    }
}

#[test]
fn names_are_those_of_the_fields() {
    let text = "Files: *\nLicense: GPL-2+ with exception\n\nFiles: a\nLicense: Expat\n  Permission is\n\nLicense: Expat\n";
    let names = of_copyright(text);
    assert_eq!(
        names,
        ["Expat", "GPL-2+ with exception"].map(str::to_owned).into()
    );
    assert_eq!(licence("Expat"), json!({"license": {"id": "MIT"}}));
    assert_eq!(
        licence("GPL-2+ with exception"),
        json!({"license": {"name": "GPL-2+ with exception"}})
    );
}

#[test]
fn a_file_of_the_old_form_tells_the_texts_it_refers_to() {
    let text =
        "can be found in `/usr/share/common-licenses/GPL-2'.\nAnd /usr/share/common-licenses/LGPL-2.1.\n";
    let names = of_copyright(text);
    assert_eq!(
        names,
        ["see common-licenses/GPL-2", "see common-licenses/LGPL-2.1"]
            .map(str::to_owned)
            .into()
    );
}

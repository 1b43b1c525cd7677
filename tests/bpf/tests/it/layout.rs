//! The committed Rust mirror against the BTF of the objects. rustc has asserted what stands in the mirror; here it is
//! held against what clang made of the headers.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::plane::Hook;

const MIRROR: &str = include_str!("../../../../ebpf/abi/src/generated.rs");

/// Size and, by name, offset of each member; in bytes.
type Layout = (u64, BTreeMap<String, u64>);

/// What the mirror asserts: lines such as `["Size of rv_x"][… - 8usize];` and
/// `["Offset of field: rv_x::y"][… - 4usize];`.
fn mirror() -> BTreeMap<String, Layout> {
    let mut layouts: BTreeMap<String, Layout> = BTreeMap::new();
    for assertion in MIRROR.split("[\"").skip(1) {
        let (what, rest) = assertion.split_once("\"]").unwrap();
        let number = rest.split_once("usize]").unwrap().0.rsplit(' ').next().unwrap();
        let number: u64 = number.parse().unwrap();
        if let Some(name) = what.strip_prefix("Size of ") {
            layouts.entry(name.to_owned()).or_default().0 = number;
        } else if let Some(field) = what.strip_prefix("Offset of field: ") {
            let (name, member) = field.split_once("::").unwrap();
            let members = &mut layouts.entry(name.to_owned()).or_default().1;
            members.insert(member.to_owned(), number);
        }
    }
    layouts
}

fn btf(hook: Hook) -> BTreeMap<String, Layout> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, hook.object()).unwrap();
    let output = Command::new("bpftool")
        .args(["-j", "btf", "dump", "file"])
        .arg(file.path())
        .output()
        .expect("bpftool is there (apt-get install bpftool)");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let dump: Value = serde_json::from_slice(&output.stdout).unwrap();
    let structs = dump["types"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["kind"] == "STRUCT");
    structs
        .map(|item| {
            let members = item["members"].as_array().unwrap().iter().map(|member| {
                let bits = member["bits_offset"].as_u64().unwrap();
                (member["name"].as_str().unwrap().to_owned(), bits / 8)
            });
            let layout = (item["size"].as_u64().unwrap(), members.collect());
            (item["name"].as_str().unwrap().to_owned(), layout)
        })
        .collect()
}

#[test]
fn every_struct_is_the_same_in_rust_and_in_the_objects() {
    let mirror = mirror();
    assert!(mirror.len() >= 14, "{} structs", mirror.len());
    let mut missing: BTreeSet<&String> = mirror.keys().collect();
    for hook in Hook::ALL {
        for (name, layout) in btf(hook) {
            if let Some(expected) = mirror.get(&name) {
                assert_eq!(&layout, expected, "{name} in the object of {hook:?}");
                missing.remove(&name);
            }
        }
    }
    assert!(missing.is_empty(), "in no object: {missing:?}");
}

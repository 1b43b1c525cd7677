//! The committed Rust mirror against the BTF of the objects. rustc has asserted what stands in the mirror; here it is
//! held against what clang made of the headers.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use ravelin_clang::Clang;
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
            // The mirror marks words that Rust keeps for itself.
            let member = member.strip_suffix('_').unwrap_or(member);
            let members = &mut layouts.entry(name.to_owned()).or_default().1;
            members.insert(member.to_owned(), number);
        }
    }
    layouts
}

/// What clang makes of the headers: an object has no more than the name of a struct it only points to.
fn headers<'a>(structs: impl Iterator<Item = &'a String>) -> BTreeMap<String, Layout> {
    let folder = tempfile::tempdir().unwrap();
    let (source, object) = (folder.path().join("headers.c"), folder.path().join("headers.o"));
    let variables: String = structs
        .map(|name| format!("struct {name} one_{name};\n"))
        .collect();
    std::fs::write(&source, format!("#include <ravelin/abi.h>\n{variables}")).unwrap();
    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ebpf/include").into();
    let clang = Clang::find().unwrap();
    clang.compile(&source, &[include], &object).unwrap();
    btf(&std::fs::read(object).unwrap())
}

fn btf(object: &[u8]) -> BTreeMap<String, Layout> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, object).unwrap();
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
    let objects = Hook::ALL.map(|hook| (hook.program(), btf(hook.object())));
    for (of, structs) in objects
        .into_iter()
        .chain([("the headers", headers(mirror.keys()))])
    {
        for (name, layout) in structs {
            if let Some(expected) = mirror.get(&name) {
                assert_eq!(&layout, expected, "{name} of {of}");
                missing.remove(&name);
            }
        }
    }
    assert!(missing.is_empty(), "in no header: {missing:?}");
}

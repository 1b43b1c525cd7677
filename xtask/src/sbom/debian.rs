//! Debian packages, by what dpkg says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

use super::licences;
use super::purl::purl;

const STATUS: &str = "var/lib/dpkg/status";
const INFO: &str = "var/lib/dpkg/info";

/// Where packages come from, and which of them count.
#[derive(Debug, Clone)]
pub enum Source {
    /// Those of a root of which a file is in the tree.
    Installed { root: PathBuf, tree: PathBuf },
    /// All that a file in dpkg's format names; their files are below the root.
    Unpacked { packages: PathBuf, root: PathBuf },
    /// Those of these names.
    Parts { root: PathBuf, names: BTreeSet<String> },
}

/// One of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    name: String,
    version: String,
    architecture: String,
    /// Source package.
    source: String,
    homepage: Option<String>,
    /// Names as its copyright file has them; empty where that says none in a form that can be read.
    licences: BTreeSet<String>,
}

impl Source {
    /// In the order of the file that names them.
    pub fn packages(&self) -> anyhow::Result<Vec<Package>> {
        let (status, root) = match self {
            Self::Installed { root, .. } | Self::Parts { root, .. } => (root.join(STATUS), root),
            Self::Unpacked { packages, root } => (packages.clone(), root),
        };
        let text = fs::read_to_string(&status).with_context(|| format!("read {}", status.display()))?;
        let mut packages = parse(&text);
        for package in &mut packages {
            let path = root.join("usr/share/doc").join(&package.name).join("copyright");
            if let Ok(text) = fs::read(path) {
                package.licences = licences::of_copyright(&String::from_utf8_lossy(&text));
            }
        }
        share_licences(&mut packages);
        match self {
            Self::Installed { root, tree } => {
                let mut counted = Vec::new();
                for package in packages {
                    if is_in(root, tree, &package)? {
                        counted.push(package);
                    }
                }
                Ok(counted)
            }
            Self::Unpacked { .. } => Ok(packages),
            Self::Parts { names, .. } => {
                packages.retain(|package| names.contains(&package.name));
                anyhow::ensure!(
                    packages.len() == names.len(),
                    "not all of {names:?} are installed in {}",
                    root.display()
                );
                Ok(packages)
            }
        }
    }
}

/// Whether the tree has a file or a symbolic link of the package.
fn is_in(root: &Path, tree: &Path, package: &Package) -> anyhow::Result<bool> {
    let info = root.join(INFO);
    let list = [
        format!("{}.list", package.name),
        format!("{}:{}.list", package.name, package.architecture),
    ]
    .into_iter()
    .map(|name| info.join(name))
    .find(|path| path.exists())
    .with_context(|| format!("dpkg has no list of the files of {}", package.name))?;
    let files = fs::read_to_string(&list).with_context(|| format!("read {}", list.display()))?;
    Ok(files.lines().any(|file| {
        tree.join(file.trim_start_matches('/'))
            .symlink_metadata()
            .is_ok_and(|metadata| !metadata.is_dir())
    }))
}

/// Packages that are installed, of a file in dpkg's format.
fn parse(text: &str) -> Vec<Package> {
    text.split("\n\n")
        .filter_map(|paragraph| {
            let fields: BTreeMap<&str, &str> = paragraph
                .lines()
                .filter(|line| !line.starts_with([' ', '\t']))
                .filter_map(|line| line.split_once(':'))
                .map(|(key, value)| (key, value.trim()))
                .collect();
            if fields
                .get("Status")
                .is_some_and(|status| !status.ends_with(" installed"))
            {
                return None;
            }
            let name = (*fields.get("Package")?).to_owned();
            Some(Package {
                version: (*fields.get("Version")?).to_owned(),
                architecture: (*fields.get("Architecture")?).to_owned(),
                // "name (version)" where the versions differ.
                source: fields
                    .get("Source")
                    .and_then(|source| source.split(' ').next())
                    .unwrap_or(&name)
                    .to_owned(),
                homepage: fields.get("Homepage").map(|page| (*page).to_owned()),
                licences: BTreeSet::new(),
                name,
            })
        })
        .collect()
}

/// A package whose copyright file is another's of the same source has that one's licences.
fn share_licences(packages: &mut [Package]) {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages.iter() {
        known
            .entry(package.source.clone())
            .or_default()
            .extend(package.licences.iter().cloned());
    }
    for package in packages {
        if package.licences.is_empty() {
            package.licences.clone_from(&known[&package.source]);
        }
    }
}

impl Package {
    pub fn purl(&self) -> String {
        purl(
            "deb",
            &format!("debian/{}", self.name),
            &self.version,
            &[("arch", &self.architecture), ("distro", "debian-13")],
        )
    }

    /// As a component of the document.
    pub fn component(&self) -> Value {
        let purl = self.purl();
        let mut component = json!({
            "type": "library",
            "bom-ref": purl,
            "name": self.name,
            "version": self.version,
            "purl": purl,
            "properties": [{"name": "ravelin:debian:source", "value": self.source}],
        });
        if !self.licences.is_empty() {
            let named: Vec<Value> = self.licences.iter().map(|name| licences::licence(name)).collect();
            component["licenses"] = json!(named);
        }
        if let Some(page) = &self.homepage {
            component["externalReferences"] = json!([{"type": "website", "url": page}]);
        }
        component
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS_FILE: &str = "Package: libfoo1\nStatus: install ok installed\nArchitecture: amd64\nSource: foo (1.0)\n\
        Version: 1.0+b1\nDescription: foo\n more: of it\n\nPackage: gone\nStatus: deinstall ok config-files\n\
        Architecture: all\nVersion: 2\n\nPackage: foo\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n\
        Homepage: https://foo.example/\n";

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("directory");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("parent")).expect("directory");
            fs::write(path, text).expect("file");
        };
        write(STATUS, STATUS_FILE);
        write(
            &format!("{INFO}/libfoo1:amd64.list"),
            "/.\n/usr\n/usr/lib\n/usr/lib/libfoo.so.1\n",
        );
        write(&format!("{INFO}/foo.list"), "/.\n/usr\n/usr/bin\n/usr/bin/foo\n");
        write("usr/share/doc/foo/copyright", "Files: *\nLicense: MIT\n");
        root
    }

    fn names(source: &Source) -> Vec<String> {
        let packages = source.packages().expect("packages");
        packages.into_iter().map(|package| package.name).collect()
    }

    #[test]
    fn a_package_counts_when_one_of_its_files_is_in_the_tree() {
        let root = root();
        let tree = tempfile::tempdir().expect("directory");
        let source = Source::Installed {
            root: root.path().to_owned(),
            tree: tree.path().to_owned(),
        };
        fs::create_dir_all(tree.path().join("usr/bin")).expect("directory");
        assert!(names(&source).is_empty());
        fs::write(tree.path().join("usr/bin/foo"), "").expect("file");
        assert_eq!(names(&source), ["foo"]);
    }

    #[test]
    fn a_library_has_the_licences_of_its_source() {
        let root = root();
        let names = BTreeSet::from(["libfoo1".to_owned()]);
        let source = Source::Parts {
            root: root.path().to_owned(),
            names,
        };
        let packages = source.packages().expect("packages");
        let component = packages[0].component();
        assert_eq!(
            component["purl"],
            "pkg:deb/debian/libfoo1@1.0%2Bb1?arch=amd64&distro=debian-13"
        );
        assert_eq!(component["licenses"], json!([{"license": {"id": "MIT"}}]));
        assert_eq!(component["properties"][0]["value"], "foo");
    }

    #[test]
    fn a_part_that_is_not_installed_is_an_error() {
        let root = root();
        let source = Source::Parts {
            root: root.path().to_owned(),
            names: BTreeSet::from(["gone".to_owned()]),
        };
        source.packages().expect_err("it is not installed");
    }
}

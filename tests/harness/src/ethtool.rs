//! What ethtool(8) prints, read: to compare with what was read of the kernel without it.

/// A feature as `ethtool -k` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownFeature {
    /// The kernel's name for it.
    pub name: String,
    /// It is on.
    pub active: bool,
    /// Somebody asked for it; None: ethtool does not say.
    pub wanted: Option<bool>,
    /// It cannot be changed.
    pub fixed: bool,
}

/// Names of old, with those of the kernel.
const OLD_NAMES: [(&str, &str); 9] = [
    ("rx-checksumming", "rx-checksum"),
    ("generic-segmentation-offload", "tx-generic-segmentation"),
    ("generic-receive-offload", "rx-gro"),
    ("large-receive-offload", "rx-lro"),
    ("rx-vlan-offload", "rx-vlan-hw-parse"),
    ("tx-vlan-offload", "tx-vlan-hw-insert"),
    ("ntuple-filters", "rx-ntuple-filter"),
    ("receive-hashing", "rx-hashing"),
    ("udp-fragmentation-offload", "tx-udp-fragmentation"),
];

/// Names of old for several features, which are shown below them.
const GROUPS: [&str; 3] = ["tx-checksumming", "scatter-gather", "tcp-segmentation-offload"];

/// Features `ethtool -k` printed.
pub fn shown_features(text: &str) -> Vec<ShownFeature> {
    let features = lines(text).filter_map(|(name, value)| {
        let (state, rest) = value.split_once(' ').unwrap_or((value, ""));
        let active = match state {
            "on" => true,
            "off" => false,
            _ => return None,
        };
        let kernel_name = OLD_NAMES.iter().find(|(old, _)| *old == name);
        Some(ShownFeature {
            name: kernel_name.map_or(name, |(_, kernel)| kernel).to_owned(),
            active,
            wanted: match rest {
                "" => Some(active),
                "[requested on]" => Some(true),
                "[requested off]" => Some(false),
                _ => None,
            },
            fixed: rest == "[fixed]",
        })
    });
    features
        .filter(|feature| !GROUPS.contains(&feature.name.as_str()))
        .collect()
}

/// The number behind a name, counted from 0 where the name comes several times; None: it is not there or has none.
pub fn shown_number(text: &str, name: &str, nth: usize) -> Option<u32> {
    let mut values = lines(text).filter(|(found, _)| *found == name);
    values.nth(nth)?.1.parse().ok()
}

/// Whether what is behind a name is "on"; None: it is not there, or neither on nor off.
pub fn shown_switch(text: &str, name: &str) -> Option<bool> {
    match lines(text).find(|(found, _)| *found == name)?.1 {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// The text behind a name; None: it is not there or empty.
pub fn shown_text<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = lines(text).find(|(found, _)| *found == name)?;
    (!value.is_empty()).then_some(value)
}

/// The table of `ethtool -x`.
pub fn shown_indirection(text: &str) -> Vec<u32> {
    // The key behind it may begin with digits, too.
    let rows = lines(text).filter(|(name, row)| name.parse::<u32>().is_ok() && !row.contains(':'));
    rows.flat_map(|(_, row)| row.split_whitespace())
        .map(|queue| queue.parse().expect("a queue"))
        .collect()
}

fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.trim(), value.trim()))
}

//! The flowtable in nft's own language: as JSON it cannot be told to count, and then connections would stand still for
//! conntrack while their packets go by.

use std::fmt::Write;

use ravelin_compile::NftRuleset;

/// A table with a flowtable and a rule that fills it, for the kernel to say whether it could have them.
pub(super) const PROBE: &str = "\
add table inet ravelin_probe
add flowtable inet ravelin_probe fast_path { hook ingress priority 0; counter; }
add chain inet ravelin_probe forward { type filter hook forward priority 0; }
add rule inet ravelin_probe forward meta l4proto tcp flow add @fast_path
";

/// Adds interfaces, and what they are added to where it is not there.
pub(super) fn addition<'a>(interfaces: impl IntoIterator<Item = &'a String>) -> String {
    let devices = devices(interfaces);
    let (table, flowtable) = (NftRuleset::TABLE, NftRuleset::FLOWTABLE);
    format!(
        "add table inet {table}\n\
         add flowtable inet {table} {flowtable} {{ hook ingress priority 0; {devices}counter; }}\n"
    )
}

/// Takes interfaces out; None: of these none can be named, and without any the whole flowtable would be meant.
pub(super) fn departure<'a>(interfaces: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let devices = devices(interfaces);
    let (table, flowtable) = (NftRuleset::TABLE, NftRuleset::FLOWTABLE);
    let text = format!("delete flowtable inet {table} {flowtable} {{ hook ingress priority 0; {devices}}}\n");
    (!devices.is_empty()).then_some(text)
}

/// Takes it away.
pub(super) fn removal() -> String {
    format!(
        "delete flowtable inet {} {}\n",
        NftRuleset::TABLE,
        NftRuleset::FLOWTABLE
    )
}

fn devices<'a>(interfaces: impl IntoIterator<Item = &'a String>) -> String {
    let mut text = String::new();
    for name in interfaces.into_iter().filter(|name| is_plain(name)) {
        let separator = if text.is_empty() { "devices = { " } else { ", " };
        // A String takes everything.
        let _ = write!(text, "{separator}\"{name}\"");
    }
    if !text.is_empty() {
        text += " }; ";
    }
    text
}

/// Whether a name means itself between quotation marks. Interfaces may be called nearly anything; those that are called
/// strange things do without the flowtable.
pub(super) fn is_plain(name: &str) -> bool {
    name.chars()
        .all(|character| character.is_ascii_alphanumeric() || "._-:@".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_names_are_left_out() {
        let names = ["lan0", "a\" }; flush ruleset; #", "eth*", "wan0.7"].map(str::to_owned);
        assert_eq!(devices(&names), "devices = { \"lan0\", \"wan0.7\" }; ");
        assert_eq!(devices(&names[1..3]), "");
        assert_eq!(departure(&names[1..3]), None);
    }
}

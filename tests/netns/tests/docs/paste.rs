//! Lines out of texts, pasted into a shell.

use std::process::Command;

/// A fenced block of a Markdown text.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The word after the language.
    pub kind: String,
    /// Its lines that are not empty.
    pub lines: Vec<String>,
}

/// Every fenced block with a language.
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let body = lines.by_ref().take_while(|line| *line != "```");
        found.push(Block {
            kind: info.split_whitespace().nth(1).unwrap_or_default().to_owned(),
            lines: body.filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        });
    }
    found
}

/// Lines indented by four spaces, where `scripts/up` puts what can be pasted.
pub fn indented(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| !line.starts_with(' '))
        .map(str::to_owned)
        .collect()
}

/// Runs lines in one shell, one after the other; each must succeed. Gives what they printed.
#[track_caller]
pub fn run(lines: &[String]) -> String {
    let script = format!("set -euxo pipefail\n{}\n", lines.join("\n"));
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{}\n{printed}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    printed
}

#[test]
fn blocks_are_found_with_their_kind() {
    let text = "a\n```sh lab\none\n\ntwo\n```\nb\n```\nthree\n```\n";
    let block = |kind: &str, lines: &[&str]| Block {
        kind: kind.to_owned(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    assert_eq!(
        blocks(text),
        [block("lab", &["one", "two"]), block("", &["three"])]
    );
}

//! Text from elsewhere, made safe to show.

use std::fmt::Write;

/// Whether a terminal may do something other than show the character: control characters, and those that change the
/// direction of text or show nothing (Unicode TR 36, section 2.10).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` with every unsafe character as `\u{…}`, on one line.
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The same JSON with every unsafe character as `\uXXXX`. Such characters can only be inside strings of it.
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(plain(text), expected);
        let round = json(&serde_json::to_string(text).unwrap());
        assert!(!round.chars().any(is_unsafe), "{round:?}");
        assert_eq!(serde_json::from_str::<String>(&round).unwrap(), text);
    }

    #[test]
    fn ordinary_text_stays() {
        check("eth0 \"Größe\" \\ 名前 🦀", "eth0 \"Größe\" \\ 名前 🦀");
    }

    #[test]
    fn what_moves_the_cursor_is_shown_as_its_number() {
        check("a\x1b[2Jb", "a\\u{1b}[2Jb");
        check("one\ntwo\r\t", "one\\u{a}two\\u{d}\\u{9}");
        check("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}");
    }

    #[test]
    fn what_turns_or_hides_text_is_shown_as_its_number() {
        check("abc\u{202e}cba", "abc\\u{202e}cba");
        check("a\u{200b}b\u{feff}\u{e0041}", "a\\u{200b}b\\u{feff}\\u{e0041}");
    }
}

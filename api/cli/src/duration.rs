//! Lengths of time on the command line.

use std::str::FromStr;
use std::time::Duration;

/// `90s`, `15m`, `12h`, `7d`, or several of them as in `1h30m`; at least a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length(pub Duration);

const FORM: &str = "is not a length of time such as 90s, 15m, 12h, 7d or 1h30m";

impl FromStr for Length {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut seconds = 0u64;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, unit) = rest.split_at(digits);
            let unit_seconds = match unit.as_bytes().first() {
                Some(b's') => 1,
                Some(b'm') => 60,
                Some(b'h') => 3600,
                Some(b'd') => 86400,
                _ => return Err(FORM),
            };
            let number: u64 = number.parse().map_err(|_| FORM)?;
            let part = number.checked_mul(unit_seconds).ok_or(FORM)?;
            seconds = seconds.checked_add(part).ok_or(FORM)?;
            rest = &unit[1..];
        }
        if seconds == 0 {
            Err(FORM)
        } else {
            Ok(Self(Duration::from_secs(seconds)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        let got = text.parse::<Length>().ok().map(|length| length.0.as_secs());
        assert_eq!(got, expected, "{text:?}");
    }

    #[test]
    fn units_add_up() {
        check("90s", Some(90));
        check("15m", Some(900));
        check("1h30m", Some(5400));
        check("7d", Some(604_800));
        check("1d1h1m1s", Some(90_061));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "0s",
            "10",
            "h",
            "1h30",
            "-1s",
            "1.5h",
            "1w",
            "1 h",
            "18446744073709551615d",
            "1é",
        ] {
            check(text, None);
        }
    }
}

//! What leaves: the text of the encoder, with counters that never fall, in the format a client asked for.

use std::collections::HashMap;
use std::fmt::Write as _;

/// Formats Prometheus reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Version 0.0.4 of the text format, which tools and people read.
    Text,
}

impl Format {
    /// What a client gets that says this in Accept: OpenMetrics if it names it, as Prometheus does, else text.
    pub(crate) fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// Its media type.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// A value as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Whole(u64),
    Real(f64),
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let whole = text.parse().map(Self::Whole);
        whole.or_else(|_| text.parse().map(Self::Real)).ok()
    }

    fn real(self) -> f64 {
        match self {
            #[allow(
                clippy::cast_precision_loss,
                reason = "a sum of real numbers is none of whole ones"
            )]
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }

    /// This and what `new` is more than `old`; just this if it is less.
    fn grown(self, old: Self, new: Self) -> Self {
        match (self, old, new) {
            (Self::Whole(held), Self::Whole(old), Self::Whole(new)) => {
                Self::Whole(held.saturating_add(new.saturating_sub(old)))
            }
            _ => Self::Real(self.real() + (new.real() - old.real()).max(0.0)),
        }
    }
}

/// A series of a counter.
#[derive(Debug, Clone, Copy)]
struct Series {
    /// What its source said last.
    told: Number,
    /// What was shown last.
    shown: Number,
    /// In which exposition.
    at: u64,
}

/// What was shown of counters. A source may begin anew: an interface is gone from a sum, a map was made again. What
/// is shown stays then, and grows by what the source grows from there on. A series that is gone is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Held {
    series: HashMap<String, Series>,
    expositions: u64,
}

impl Held {
    /// Brings what the encoder wrote into a format.
    pub(crate) fn write(&mut self, encoded: &str, format: Format) -> String {
        self.expositions += 1;
        let mut text = String::with_capacity(encoded.len());
        let mut help = None;
        let mut counter = false;
        for line in encoded.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                help = rest.split_once(' ');
            } else if let Some((name, kind)) =
                line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
            {
                counter = kind == "counter";
                let suffix = if counter && format == Format::Text {
                    "_total"
                } else {
                    ""
                };
                if let Some((_, help)) = help.take() {
                    push(&mut text, format_args!("# HELP {name}{suffix} {help}"));
                }
                push(&mut text, format_args!("# TYPE {name}{suffix} {kind}"));
            } else if line.starts_with('#') {
                if format == Format::OpenMetrics {
                    push(&mut text, format_args!("{line}"));
                }
            } else if counter {
                self.counter(line, &mut text);
            } else {
                push(&mut text, format_args!("{line}"));
            }
        }
        let now = self.expositions;
        self.series.retain(|_, series| series.at == now);
        text
    }

    fn counter(&mut self, line: &str, text: &mut String) {
        let told = line.rsplit_once(' ');
        let Some((series, told)) = told.and_then(|(series, value)| Some((series, Number::parse(value)?)))
        else {
            return push(text, format_args!("{line}"));
        };
        let shown = match self.series.get_mut(series) {
            Some(known) => {
                known.shown = known.shown.grown(known.told, told);
                (known.told, known.at) = (told, self.expositions);
                known.shown
            }
            None => {
                let first = Series {
                    told,
                    shown: told,
                    at: self.expositions,
                };
                self.series.insert(series.to_owned(), first);
                told
            }
        };
        match shown {
            Number::Whole(whole) => push(text, format_args!("{series} {whole}")),
            Number::Real(real) => push(text, format_args!("{series} {real:?}")),
        }
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENCODED: &str = "# HELP a_packets Packets.\n# TYPE a_packets counter\na_packets_total{i=\"x y\"} 7\n\
                           # HELP b_seconds Time.\n# TYPE b_seconds gauge\n# UNIT b_seconds seconds\nb_seconds 1.5\n# EOF\n";

    #[test]
    fn open_metrics_stays_as_it_is() {
        assert_eq!(Held::default().write(ENCODED, Format::OpenMetrics), ENCODED);
    }

    #[test]
    fn text_names_counters_as_their_samples() {
        let expected = "# HELP a_packets_total Packets.\n# TYPE a_packets_total counter\na_packets_total{i=\"x y\"} 7\n\
                        # HELP b_seconds Time.\n# TYPE b_seconds gauge\nb_seconds 1.5\n";
        assert_eq!(Held::default().write(ENCODED, Format::Text), expected);
    }

    /// What is shown of a counter whose source says this, one exposition after the other; "" is none.
    #[track_caller]
    fn check(told: &[&str], shown: &[&str]) {
        let mut held = Held::default();
        for (told, shown) in told.iter().zip(shown) {
            let samples = if told.is_empty() {
                String::new()
            } else {
                format!("a_total {told}\n")
            };
            let text = held.write(&format!("# TYPE a counter\n{samples}"), Format::Text);
            let value = text.lines().find_map(|line| line.strip_prefix("a_total "));
            assert_eq!(value.unwrap_or_default(), *shown, "{text}");
        }
    }

    #[test]
    fn a_counter_never_falls_while_it_is_shown() {
        check(&["5", "9", "9"], &["5", "9", "9"]);
        // The source began anew at 1, and grew by 3.
        check(&["5", "9", "1", "4"], &["5", "9", "9", "12"]);
        check(&["0.5", "2.5", "0.25", "1.0"], &["0.5", "2.5", "2.5", "3.25"]);
        // 0 of a real number is written as a whole one.
        check(&["0", "1.5"], &["0", "1.5"]);
        check(&["18446744073709551615", "0", "1"], &["18446744073709551615"; 3]);
        // Gone, and another one since.
        check(&["9", "", "4"], &["9", "", "4"]);
    }

    #[test]
    fn what_prometheus_asks_for_is_open_metrics() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
        assert_eq!(Format::accepted("*/*"), Format::Text);
        assert_eq!(Format::accepted(""), Format::Text);
    }
}

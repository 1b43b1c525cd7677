//! Live connections by kind, as of the last page somebody asked for: a scrape reads none of conntrack itself.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use ravelin_flows::live::FlowTally;

use super::families::Families;

/// What the last reading counted and how old it is; None: there was none.
#[derive(Debug)]
pub(super) struct LastReading(pub(super) Option<(FlowTally, Duration)>);

impl Collector for LastReading {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some((tally, age)) = &self.0 else {
            return Ok(());
        };
        let mut to = Families(encoder);
        let samples = tally.counts().map(|(offload, protocol, count)| {
            (vec![("offload", offload.name()), ("protocol", protocol)], count)
        });
        to.gauges(
            "flows",
            "Live connections when they were last asked for, by what forwards them and by protocol",
            samples,
        )?;
        to.gauge(
            "flows_reading_age_seconds",
            "How long ago live connections were last asked for",
            age.as_secs(),
        )
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    fn written(reading: Option<(FlowTally, Duration)>) -> String {
        let mut registry = Registry::with_prefix("ravelin");
        registry.register_collector(Box::new(LastReading(reading)));
        let mut text = String::new();
        encode(&mut text, &registry).expect("text");
        text
    }

    #[test]
    fn without_a_reading_nothing_is_said() {
        assert_eq!(written(None), "# EOF\n");
    }

    #[test]
    fn kinds_are_few_and_always_the_same() {
        let text = written(Some((FlowTally::default(), Duration::from_secs(7))));
        assert_eq!(text.matches("ravelin_flows{").count(), 16, "{text}");
        assert!(
            text.contains("ravelin_flows{offload=\"xdp\",protocol=\"udp\"} 0\n"),
            "{text}"
        );
        assert!(text.contains("ravelin_flows_reading_age_seconds 7\n"), "{text}");
    }
}

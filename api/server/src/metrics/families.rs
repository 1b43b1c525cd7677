//! Writes families of one metric each from values read just now.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use ravelin_model::{BATCH_BOUNDS, BatchFigures};

/// Labels and value of one sample.
pub(super) type Sample<'a, V = u64> = (Vec<(&'a str, &'a str)>, V);

/// Where families go.
pub(super) struct Families<'a>(pub(super) DescriptorEncoder<'a>);

impl Families<'_> {
    /// Numbers that never fall. `_total` is added to the name.
    pub(super) fn counters<'a>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample<'a>>,
    ) -> fmt::Result {
        self.family(name, help, None, MetricType::Counter, samples, ConstCounter::new)
    }

    /// Seconds that never fall. `_seconds_total` is added to the name.
    pub(super) fn seconds<'a>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample<'a, f64>>,
    ) -> fmt::Result {
        self.family(
            name,
            help,
            Some(&Unit::Seconds),
            MetricType::Counter,
            samples,
            ConstCounter::new,
        )
    }

    /// Numbers that may fall.
    pub(super) fn gauges<'a>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample<'a>>,
    ) -> fmt::Result {
        self.family(name, help, None, MetricType::Gauge, samples, signed_gauge)
    }

    /// Numbers with fractions that may fall.
    pub(super) fn measures<'a>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample<'a, f64>>,
    ) -> fmt::Result {
        self.family(name, help, None, MetricType::Gauge, samples, ConstGauge::new)
    }

    /// A number that never falls, without labels.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(encoder)
    }

    /// Seconds that never fall, without labels.
    pub(super) fn time(&mut self, name: &str, help: &str, time: Duration) -> fmt::Result {
        let encoder = self
            .0
            .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Counter)?;
        ConstCounter::new(time.as_secs_f64()).encode(encoder)
    }

    /// Seconds that may fall, without labels. `_seconds` is added to the name.
    pub(super) fn duration(&mut self, name: &str, help: &str, time: Duration) -> fmt::Result {
        let encoder = self
            .0
            .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        ConstGauge::new(time.as_secs_f64()).encode(encoder)
    }

    /// A number that may fall, without labels.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        signed_gauge(value).encode(encoder)
    }

    /// A number with fractions that may fall, without labels.
    pub(super) fn measure(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(value).encode(encoder)
    }

    /// Durations of batches, by kind. `_seconds` is added to the name.
    pub(super) fn batches(
        &mut self,
        name: &str,
        help: &str,
        batches: &[(&str, &BatchFigures)],
    ) -> fmt::Result {
        let mut encoder =
            self.0
                .encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for (kind, figures) in batches {
            let mut below = 0;
            // Each bucket has what the one before has not.
            let mut buckets: Vec<(f64, u64)> = BATCH_BOUNDS
                .iter()
                .zip(figures.within)
                .map(|(bound, within)| {
                    let own = within.saturating_sub(below);
                    below = below.max(within);
                    (bound.as_secs_f64(), own)
                })
                .collect();
            buckets.push((f64::MAX, figures.batches.saturating_sub(below)));
            encoder
                .encode_family(&[("kind", *kind)])?
                .encode_histogram::<NoLabelSet>(
                    figures.total.as_secs_f64(),
                    figures.batches,
                    &buckets,
                    None,
                )?;
        }
        Ok(())
    }

    fn family<'a, V, M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        kind: MetricType,
        samples: impl IntoIterator<Item = Sample<'a, V>>,
        metric: fn(V) -> M,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, unit, kind)?;
        for (labels, value) in samples {
            metric(value).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Gauges of OpenMetrics are signed.
fn signed_gauge(value: u64) -> ConstGauge {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

//! Running over every connection: what fits a filter is handed on, nothing else is held.

use ravelin_compile::Judge;
use ravelin_kernel::KernelError;
use ravelin_model::{Connection, FlowFilter, VerdictLine, ZoneNumber};

use super::line;
use super::seen::{Ground, Seen};
use super::ways::{Sides, Ways};

/// Connections whose ways are asked for at once.
const BATCH: usize = 1024;

/// What a filter of zones means here.
enum Zone {
    Any,
    /// A zone without interfaces, or no policy: nothing is there.
    Nowhere,
    Numbered(ZoneNumber),
}

/// Connections come in one by one.
pub(super) struct Walk<'a> {
    ground: &'a Ground,
    filter: &'a FlowFilter,
    zone: Zone,
    ways: Ways<'a>,
    /// Fit as far as they can be told without their ways.
    waiting: Vec<Seen>,
    every: &'a mut dyn FnMut(&Seen),
    fitting: &'a mut dyn FnMut(Seen),
}

impl<'a> Walk<'a> {
    /// `every` is shown each connection, `fitting` gets those that fit. Routes are asked only where the filter says a
    /// zone.
    pub(super) fn new(
        ground: &'a Ground,
        filter: &'a FlowFilter,
        ways: Ways<'a>,
        every: &'a mut dyn FnMut(&Seen),
        fitting: &'a mut dyn FnMut(Seen),
    ) -> Self {
        let numbered = |judge: &Judge| {
            let zones = &judge.ruleset().zones;
            let zone = zones
                .values()
                .find(|zone| Some(&zone.id) == filter.zone.as_ref())?;
            Some(Zone::Numbered(zone.number))
        };
        let zone = match filter.zone {
            None => Zone::Any,
            Some(_) => ground
                .judge
                .as_deref()
                .and_then(numbered)
                .unwrap_or(Zone::Nowhere),
        };
        Self {
            ground,
            filter,
            zone,
            ways,
            waiting: Vec::new(),
            every,
            fitting,
        }
    }

    pub(super) fn add(&mut self, connection: Connection) -> Result<(), KernelError> {
        let seen = self.ground.see(connection);
        (self.every)(&seen);
        if !self.fits(&seen) {
            return Ok(());
        }
        match self.zone {
            Zone::Any => (self.fitting)(seen),
            Zone::Nowhere => {}
            Zone::Numbered(_) => {
                self.waiting.push(seen);
                if self.waiting.len() >= BATCH {
                    self.flush()?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), KernelError> {
        self.flush()
    }

    fn flush(&mut self) -> Result<(), KernelError> {
        let waiting = std::mem::take(&mut self.waiting);
        let sides = self.ways.sides(waiting.iter().map(|seen| &seen.connection))?;
        for (seen, sides) in waiting.into_iter().zip(sides) {
            if self.is_in_zone(sides) {
                (self.fitting)(seen);
            }
        }
        Ok(())
    }

    fn is_in_zone(&self, sides: Sides) -> bool {
        let (Zone::Numbered(zone), Some(judge)) = (&self.zone, self.ground.judge.as_deref()) else {
            return false;
        };
        let mut sides = [sides.from, sides.to].into_iter().flatten();
        sides.any(|side| side.zone(judge) == Some(*zone))
    }

    /// Everything but the zone.
    fn fits(&self, seen: &Seen) -> bool {
        let connection = &seen.connection;
        let filter = self.filter;
        filter.fits(connection)
            && filter
                .offload
                .is_none_or(|offload| offload == self.ground.offload(seen))
            && filter.rule.as_ref().is_none_or(|rule| {
                let judge = self.ground.judge.as_deref();
                let line = judge.and_then(|judge| line::line(judge, line::counter(connection)));
                line.is_some_and(|line| line == VerdictLine::Rule(rule.clone()))
            })
    }
}

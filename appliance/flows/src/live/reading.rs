//! Readings of conntrack, on a thread that may block.

use std::time::Instant;

use ravelin_kernel::{Conntrack, KernelError, RouteAnswer, RouteQuestion, Routes};
use ravelin_model::{Connection, FlowFilter};

use super::order::Page;
use super::sample::Sample;
use super::seen::{Ground, Seen};
use super::tally::FlowTally;
use super::walk::Walk;
use super::ways::{Sides, Ways};
use super::{FlowCursor, FlowId, FlowQuery, FlowRate, FlowSort, FlowView};
use crate::FlowsError;

/// What a reading found.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) items: Vec<FlowView>,
    pub(super) next: Option<FlowCursor>,
    pub(super) matched: u64,
    pub(super) sample: Sample,
    pub(super) tally: FlowTally,
}

/// Reads a page.
pub(super) fn page(ground: &Ground, query: &FlowQuery, before: Option<&Sample>) -> Result<Read, FlowsError> {
    let FlowQuery {
        filter,
        sort,
        descending,
        after,
        limit,
    } = query;
    let after = after.as_ref().and_then(|after| after.place(*sort, *descending));
    let mut page = Page::new(*sort, *descending, after, *limit);
    let now = Instant::now();
    let rate = |seen: &Seen| before?.rate(&FlowId::of(&seen.connection), seen.bytes(), now);
    let mut matched = 0;
    let mut fitting = |seen: Seen| {
        matched += 1;
        let value = match sort {
            FlowSort::Name => None,
            FlowSort::Bytes => seen
                .counts
                .map(|counts| counts.iter().map(|count| count.bytes).sum()),
            FlowSort::Rate => rate(&seen).map(|rate| rate.bits_per_second.iter().sum()),
            FlowSort::Age => lived(&seen.connection),
        };
        page.offer(value, FlowId::of(&seen.connection), seen);
    };
    let (sample, tally) = all(ground, filter, &mut fitting)?;
    let (items, next) = page.finish();
    let rates: Vec<Option<FlowRate>> = items.iter().map(rate).collect();
    let items = views(ground, items, &rates)?;
    Ok(Read {
        items,
        next,
        matched,
        sample,
        tally,
    })
}

/// Takes a sample and nothing else.
pub(super) fn sample(ground: &Ground) -> Result<Sample, FlowsError> {
    Ok(all(ground, &FlowFilter::default(), &mut drop)?.0)
}

/// Runs over every connection.
pub(super) fn all(
    ground: &Ground,
    filter: &FlowFilter,
    fitting: &mut dyn FnMut(Seen),
) -> Result<(Sample, FlowTally), FlowsError> {
    let expected = ground.settings.as_ref().map_or(0, |settings| settings.count);
    let mut sample = Sample::begin(usize::try_from(expected).unwrap_or(0));
    let mut tally = FlowTally::default();
    let mut every = |seen: &Seen| {
        sample.add(&FlowId::of(&seen.connection), seen.bytes());
        tally.add(ground.offload(seen), seen.connection.original.protocol);
    };
    let mut routes = None;
    let mut ask = |questions: &[RouteQuestion]| ask(&mut routes, questions);
    let mut walk = Walk::new(ground, filter, Ways::new(&mut ask), &mut every, fitting);
    each(&mut |connection| walk.add(connection))?;
    walk.finish()?;
    Ok((sample.finish(), tally))
}

/// Every connection, until something cannot be done.
pub(super) fn each(add: &mut dyn FnMut(Connection) -> Result<(), KernelError>) -> Result<(), FlowsError> {
    let mut outcome = Ok(());
    Conntrack::open()?
        .dump(&mut |connection| {
            if outcome.is_ok() {
                outcome = add(connection);
            }
        })
        .map_err(FlowsError::Read)?;
    Ok(outcome?)
}

/// Asks for routes; opens the socket at the first question.
pub(super) fn ask(
    routes: &mut Option<Routes>,
    questions: &[RouteQuestion],
) -> Result<Vec<RouteAnswer>, KernelError> {
    match routes {
        Some(routes) => routes.resolve(questions),
        None => routes.insert(Routes::open()?).resolve(questions),
    }
}

/// Connections as they are shown.
pub(super) fn views(
    ground: &Ground,
    items: Vec<Seen>,
    rates: &[Option<FlowRate>],
) -> Result<Vec<FlowView>, FlowsError> {
    let mut routes = None;
    let mut ask = |questions: &[RouteQuestion]| ask(&mut routes, questions);
    let sides: Vec<Sides> = Ways::new(&mut ask).sides(items.iter().map(|seen| &seen.connection))?;
    let views = items.into_iter().zip(sides).zip(rates);
    Ok(views
        .map(|((seen, sides), rate)| ground.view(seen, sides, *rate))
        .collect())
}

/// Nanoseconds a connection has not lived yet since a day long past: the younger, the more.
fn lived(connection: &Connection) -> Option<u64> {
    let started = connection.started_at?.unix_timestamp_nanos();
    // So that the oldest has the greatest value, as with bytes.
    u64::try_from(started).ok().map(|started| u64::MAX - 1 - started)
}

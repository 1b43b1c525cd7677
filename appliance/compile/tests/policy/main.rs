//! The policy as the model words it: resolved, judged, explained.

mod diagnose;
mod evaluate;
mod explain;
mod generate;
mod resolve;
mod schedule;
mod support;
mod translate;

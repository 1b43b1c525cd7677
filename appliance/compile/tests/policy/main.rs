//! The policy as the model words it: resolved, judged, explained.

mod generate;

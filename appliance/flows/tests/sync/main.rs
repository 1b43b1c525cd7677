//! The flow cache beside the conntrack of a network namespace, which needs root, and beside none.

mod ending;
mod following;
mod moving;
mod overrun;
mod seeding;
mod simulated;
mod support;

//! The flow cache beside the conntrack of a network namespace. Needs root.

mod ending;
mod following;
mod overrun;
mod seeding;
mod support;

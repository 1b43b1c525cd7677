//! The tables over memory of the test, which plays the programs too: it writes what they write.

mod adopting;
mod ground;
mod model;
mod reading;
mod restoring;
mod writing;

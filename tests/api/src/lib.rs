//! The API as clients see it: the real router and control over a store in memory and the simulated data plane,
//! asked over real Unix sockets. The tests are in `tests/it`.

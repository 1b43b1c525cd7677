//! The simulated data plane.

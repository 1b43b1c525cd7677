//! Connections are ended by hand.

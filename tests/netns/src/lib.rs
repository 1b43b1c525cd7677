//! The real daemon, real namespaces, real traffic.

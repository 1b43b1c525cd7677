//! Namespaces, packets and processes for tests.

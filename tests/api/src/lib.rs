//! API contract tests.

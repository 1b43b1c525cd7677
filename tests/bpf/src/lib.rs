//! Prog-run tests of the eBPF programs: everything is under `tests/`.

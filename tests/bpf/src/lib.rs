//! Prog-run tests of the eBPF programs.

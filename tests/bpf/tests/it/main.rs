//! One packet, one program, by `BPF_PROG_TEST_RUN`: verdict, bytes that come out, and what the maps say.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod datapath;
mod isolated;
mod layout;
mod parsing;
mod plane;
mod verifier;

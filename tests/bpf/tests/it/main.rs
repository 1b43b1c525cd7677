//! One packet, one program, by `BPF_PROG_TEST_RUN`: verdict, bytes that come out, and what the maps say.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod caching;
mod clock;
mod counting;
mod datapath;
mod differential;
mod dns_datagram;
mod dns_stream;
mod fast;
mod index;
mod isolated;
mod layout;
mod mutation;
mod names;
mod parsing;
mod plane;
mod policy;
mod policy_differential;
mod random;
mod sources;
mod verifier;
mod wire;

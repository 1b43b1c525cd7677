//! Waiting until every packet that was in flight is through.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use aya_obj::generated::bpf_map_type::{BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_ARRAY_OF_MAPS};

use super::sys::{self, NewMap};
use crate::DatapathError;

/// Replacing a map inside a map waits for every program that may still use the old one
/// (`maybe_wait_bpf_programs` in kernel/bpf/syscall.c): the one such promise the kernel makes to user space.
/// membarrier(2) would do it by accident of its implementation, and not where CPUs run without a tick.
#[derive(Debug)]
pub(super) struct GracePeriod {
    inner: OwnedFd,
    outer: OwnedFd,
}

impl GracePeriod {
    pub(super) fn new() -> Result<Self, DatapathError> {
        let make = || -> io::Result<Self> {
            let template = NewMap {
                name: "grace_period",
                kind: BPF_MAP_TYPE_ARRAY as u32,
                value_size: 4,
                max_entries: 1,
                flags: 0,
                inner: None,
            };
            let inner = sys::create_map(&template)?;
            let outer = sys::create_map(&NewMap {
                kind: BPF_MAP_TYPE_ARRAY_OF_MAPS as u32,
                inner: Some(inner.as_fd()),
                ..template
            })?;
            Ok(Self { inner, outer })
        };
        make().map_err(DatapathError::GracePeriod)
    }

    /// Returns when every program that was running at the call has ended; takes milliseconds.
    pub(super) fn wait(&self) -> Result<(), DatapathError> {
        let inner = self.inner.as_raw_fd().cast_unsigned();
        // SAFETY: the outer map was made with keys and values of four bytes.
        unsafe { sys::update(self.outer.as_fd(), &0u32, &[inner]) }.map_err(DatapathError::GracePeriod)
    }
}

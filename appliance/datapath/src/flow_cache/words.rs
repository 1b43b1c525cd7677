//! Memory that programs and other threads read and write at the same time: atomics, of one size at each place.

use std::fmt;

use bytemuck::Zeroable;

/// Words of shared memory; `A` is an atomic.
pub(crate) trait Words<A>: Send + Sync + fmt::Debug {
    /// All of them.
    fn words(&self) -> &[A];
}

/// Memory of this process, for a cache without programs.
pub(crate) struct Heap<A>(Vec<A>);

impl<A: Zeroable> Heap<A> {
    /// Zeros, which take no memory before they are written.
    pub(crate) fn new(words: usize) -> Self {
        Self(bytemuck::zeroed_vec(words))
    }
}

impl<A: Send + Sync> Words<A> for Heap<A> {
    fn words(&self) -> &[A] {
        &self.0
    }
}

impl<A> fmt::Debug for Heap<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Heap({} words)", self.0.len())
    }
}

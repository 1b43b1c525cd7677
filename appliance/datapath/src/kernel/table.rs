//! Maps by their type: a value that was asserted against the kernel once needs no care afterwards.

use std::marker::PhantomData;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;

use aya::maps::{MapData, MapType};
use aya::util::nr_cpus;

use super::sys::{self, Batched};
use crate::DatapathError;
use bytemuck::Pod;

/// A pinned map whose layout is that of `K` and `V`.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    name: &'static str,
    data: MapData,
    max_entries: u32,
    _layout: PhantomData<fn() -> (K, V)>,
}

impl<K: Pod, V: Pod> Table<K, V> {
    /// Opens a pin and asserts its layout.
    pub(super) fn open(
        directory: &Path,
        name: &'static str,
        expected: MapType,
    ) -> Result<Self, DatapathError> {
        let query = |source: aya::maps::MapError| DatapathError::QueryMap {
            map: name.to_owned(),
            source: source.into(),
        };
        let data = MapData::from_pin(directory.join(name)).map_err(query)?;
        let info = data.info().map_err(query)?;
        if info.map_type().map_err(query)? != expected {
            return Err(DatapathError::MissingPart {
                what: "map of the expected type",
                name,
            });
        }
        for (field, kernel, expected) in [
            ("keys of bytes", info.key_size(), size_of::<K>()),
            ("values of bytes", info.value_size(), size_of::<V>()),
        ] {
            let expected = u32::try_from(expected).expect("keys and values are small");
            if kernel != expected {
                return Err(DatapathError::MapLayout {
                    map: name,
                    field,
                    kernel,
                    expected,
                });
            }
        }
        Ok(Self {
            name,
            max_entries: info.max_entries(),
            data,
            _layout: PhantomData,
        })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn max_entries(&self) -> u32 {
        self.max_entries
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.data.fd().as_fd()
    }
}

/// An array with one value for each index.
#[derive(Debug)]
pub(super) struct Array<V>(Table<u32, V>);

impl<V: Pod + Default> Array<V> {
    pub(super) fn open(directory: &Path, name: &'static str) -> Result<Self, DatapathError> {
        Table::open(directory, name, MapType::Array).map(Self)
    }

    pub(super) fn get(&self, index: u32) -> Result<V, DatapathError> {
        let mut value = [V::default()];
        // SAFETY: the layout was asserted when the map was opened.
        unsafe { sys::lookup(self.0.fd(), &index, &mut value) }.map_err(|source| DatapathError::ReadMap {
            map: self.0.name,
            source,
        })?;
        Ok(value[0])
    }

    pub(super) fn set(&mut self, index: u32, value: V) -> Result<(), DatapathError> {
        // SAFETY: the layout was asserted when the map was opened.
        unsafe { sys::update(self.0.fd(), &index, &[value]) }.map_err(|source| DatapathError::WriteMap {
            map: self.0.name,
            source,
        })
    }
}

/// An array with one value for each index and CPU.
#[derive(Debug)]
pub(super) struct PerCpuArray<V> {
    table: Table<u32, V>,
    cpus: usize,
}

impl<V: Pod> PerCpuArray<V> {
    /// The kernel rounds each CPU's value up to this (kernel/bpf/arraymap.c, `percpu_array_alloc`).
    const STRIDE_IS_SIZE: () = assert!(size_of::<V>().is_multiple_of(8));

    pub(super) fn open(directory: &Path, name: &'static str) -> Result<Self, DatapathError> {
        const { Self::STRIDE_IS_SIZE };
        let table = Table::open(directory, name, MapType::PerCpuArray)?;
        let cpus = nr_cpus().map_err(|(_, source)| DatapathError::ReadMap { map: name, source })?;
        Ok(Self { table, cpus })
    }

    pub(super) fn max_entries(&self) -> u32 {
        self.table.max_entries
    }

    /// A buffer for [`Self::read`], one value for each CPU.
    pub(super) fn buffer(&self, zero: V) -> Vec<V> {
        vec![zero; self.cpus]
    }

    /// Reads the values of all CPUs into a buffer of [`Self::buffer`].
    pub(super) fn read(&self, index: u32, buffer: &mut [V]) -> Result<(), DatapathError> {
        assert_eq!(buffer.len(), self.cpus, "one value for each CPU");
        // SAFETY: the layout was asserted when the map was opened, the stride is the size, and there is room for
        // every possible CPU.
        unsafe { sys::lookup(self.table.fd(), &index, buffer) }.map_err(|source| DatapathError::ReadMap {
            map: self.table.name,
            source,
        })
    }

    /// Reads every index in order, many with one system call.
    pub(super) fn read_all(&self, zero: V, mut visit: impl FnMut(&[V])) -> Result<(), DatapathError> {
        const BATCH: usize = 4096;
        let mut indices = vec![0u32; BATCH];
        let mut values = vec![zero; BATCH * self.cpus];
        let mut position = None;
        loop {
            // SAFETY: the layout and type were asserted when the map was opened, and the stride is the size.
            let read = unsafe {
                let map = self.table.fd();
                sys::lookup_batch(map, &mut position, &mut indices, &mut values, self.cpus)
            };
            let (count, end) = match read {
                Ok(Batched::More(count)) => (count, false),
                Ok(Batched::End(count)) => (count, true),
                // Arrays have no buckets.
                Ok(Batched::TooSmall) => (0, true),
                Err(source) => {
                    return Err(DatapathError::ReadMap {
                        map: self.table.name,
                        source,
                    });
                }
            };
            values.chunks_exact(self.cpus).take(count).for_each(&mut visit);
            if end {
                return Ok(());
            }
        }
    }

    /// Sets the values of all CPUs from a buffer of [`Self::buffer`].
    pub(super) fn write(&mut self, index: u32, buffer: &[V]) -> Result<(), DatapathError> {
        assert_eq!(buffer.len(), self.cpus, "one value for each CPU");
        // SAFETY: as for `read`.
        unsafe { sys::update(self.table.fd(), &index, buffer) }.map_err(|source| DatapathError::WriteMap {
            map: self.table.name,
            source,
        })
    }
}

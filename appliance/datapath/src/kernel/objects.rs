//! The programs by hook, loaded into the kernel.

use std::path::{Path, PathBuf};

use aya::programs::{Program, ProgramError, ProgramFd, SchedClassifier, Xdp};
use aya::{Ebpf, EbpfLoader};
use aya_obj::generated::bpf_attach_type::{BPF_TCX_EGRESS, BPF_TCX_INGRESS, BPF_XDP};
use ravelin_model::Hook;
use ravelin_objects::load_time;

use super::KernelConfig;
use super::schema::{MapSet, Schema, maps_of};
use super::sys;
use crate::DatapathError;

/// Where a program comes from and where it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) hook: Hook,
    pub(super) object: &'static [u8],
    pub(super) function: &'static str,
    pub(super) attach_type: u32,
}

/// The one that uses the flow cache.
pub(super) const XDP: Source = Source {
    hook: Hook::Xdp,
    object: ravelin_objects::XDP,
    function: "rv_xdp",
    attach_type: BPF_XDP as u32,
};

pub(super) const SOURCES: [Source; 3] = [
    XDP,
    Source {
        hook: Hook::TcIngress,
        object: ravelin_objects::TC_INGRESS,
        function: "rv_ingress",
        attach_type: BPF_TCX_INGRESS as u32,
    },
    Source {
        hook: Hook::TcEgress,
        object: ravelin_objects::TC_EGRESS,
        function: "rv_egress",
        attach_type: BPF_TCX_EGRESS as u32,
    },
];

/// A program in the kernel.
#[derive(Debug)]
pub(super) struct LoadedProgram {
    pub(super) source: Source,
    /// Kernel id.
    pub(super) id: u32,
    ebpf: Ebpf,
}

impl LoadedProgram {
    pub(super) fn program(&self) -> Result<&Program, DatapathError> {
        self.ebpf
            .program(self.source.function)
            .ok_or(DatapathError::MissingPart {
                what: "program",
                name: self.source.function,
            })
    }

    pub(super) fn fd(&self) -> Result<&ProgramFd, DatapathError> {
        self.program()?
            .fd()
            .map_err(|source| DatapathError::QueryProgram {
                program: self.source.function,
                source: source.into(),
            })
    }
}

/// Numbers XDP metadata begins with, new for each load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Magics {
    metadata: u32,
    pub(super) probe: u32,
}

impl Magics {
    fn new() -> Result<Self, DatapathError> {
        let mut words = [0u32; 2];
        sys::random(&mut words).map_err(DatapathError::Random)?;
        let [metadata, probe] = words;
        Ok(Self { metadata, probe })
    }
}

/// The maps of a flow cache, and where they are pinned or shall be.
#[derive(Debug, Clone, Copy)]
pub(super) struct CacheMaps<'a> {
    pub(super) maps: &'a MapSet,
    pub(super) directory: &'a Path,
}

/// Loads programs that work together: against the same maps, with the same numbers.
#[derive(Debug)]
pub(super) struct Loader {
    pub(super) magics: Magics,
    pub(super) schema: Schema,
    /// Pins of all maps but those of the flow cache.
    directory: PathBuf,
    name_buckets: u32,
}

impl Loader {
    pub(super) fn new(
        config: &KernelConfig,
        schema: Schema,
        directory: &Path,
    ) -> Result<Self, DatapathError> {
        Ok(Self {
            magics: Magics::new()?,
            schema,
            directory: directory.to_owned(),
            name_buckets: config.name_buckets,
        })
    }

    /// Loads every object.
    pub(super) fn load_all(&self, cache: CacheMaps<'_>) -> Result<Vec<LoadedProgram>, DatapathError> {
        SOURCES
            .into_iter()
            .map(|source| self.load(source, cache))
            .collect()
    }

    /// Loads an object; makes and pins the maps that are not there yet.
    pub(super) fn load(&self, source: Source, cache: CacheMaps<'_>) -> Result<LoadedProgram, DatapathError> {
        // A constant left out of an object that has the map would mean the wrong half of it.
        let maps = maps_of(&source)?;
        let has = |map: &str| maps.iter().any(|(name, _)| name == map);
        let mut loader = EbpfLoader::new();
        loader
            .default_map_pin_directory(&self.directory)
            .override_global(load_time::NAME_HALF, &self.name_buckets, has("dns_blocklist"))
            .override_global(load_time::METADATA_MAGIC, &self.magics.metadata, has("policy"))
            .override_global(load_time::PROBE_MAGIC, &self.magics.probe, has("policy"));
        for map in self.schema.main.iter() {
            loader.map_max_entries(&map.name, map.max_entries);
        }
        for map in cache.maps.iter() {
            loader
                .map_max_entries(&map.name, map.max_entries)
                .map_pin_path(&map.name, cache.directory.join(&map.name));
        }
        verify(source, &mut loader)
    }
}

fn verify(source: Source, loader: &mut EbpfLoader<'_>) -> Result<LoadedProgram, DatapathError> {
    let mut ebpf = loader
        .load(source.object)
        .map_err(|error| DatapathError::LoadObject {
            hook: source.hook,
            source: error.into(),
        })?;
    let failed = |error| not_loaded(source.function, error);
    let program = ebpf
        .program_mut(source.function)
        .ok_or(DatapathError::MissingPart {
            what: "program",
            name: source.function,
        })?;
    match source.hook {
        Hook::Xdp => <&mut Xdp>::try_from(&mut *program).and_then(Xdp::load),
        Hook::TcIngress | Hook::TcEgress => {
            <&mut SchedClassifier>::try_from(&mut *program).and_then(SchedClassifier::load)
        }
    }
    .map_err(failed)?;
    let id = program.info().map_err(failed)?.id();
    Ok(LoadedProgram { source, id, ebpf })
}

/// The end of the verifier's log says what it did not like; the whole of it can be megabytes, so it goes to the
/// log line by line and not into the error.
fn not_loaded(program: &'static str, error: ProgramError) -> DatapathError {
    const LINES: usize = 40;
    let source = match error {
        ProgramError::LoadError {
            io_error,
            verifier_log,
        } => {
            let log = verifier_log.to_string();
            let lines: Vec<&str> = log.lines().collect();
            for line in &lines[lines.len().saturating_sub(LINES)..] {
                tracing::error!(program, line, "the verifier says");
            }
            io_error.into()
        }
        other => other.into(),
    };
    DatapathError::LoadProgram { program, source }
}

//! The programs by hook, loaded into the kernel.

use std::path::Path;

use aya::programs::{Program, ProgramError, ProgramFd, SchedClassifier, Xdp};
use aya::{Ebpf, EbpfLoader};
use aya_obj::generated::bpf_attach_type::{BPF_TCX_EGRESS, BPF_TCX_INGRESS, BPF_XDP};
use ravelin_model::Hook;
use ravelin_objects::load_time;

use super::KernelConfig;
use super::schema::{Schema, maps_of};
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

pub(super) const SOURCES: [Source; 3] = [
    Source {
        hook: Hook::Xdp,
        object: ravelin_objects::XDP,
        function: "rv_xdp",
        attach_type: BPF_XDP as u32,
    },
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

/// Loads every object, its maps pinned in `directory`.
pub(super) fn load(
    config: &KernelConfig,
    schema: &Schema,
    directory: &Path,
) -> Result<(Vec<LoadedProgram>, Magics), DatapathError> {
    let magics = Magics::new()?;
    let load = |source| load_one(source, config, schema, directory, magics);
    let programs = SOURCES.into_iter().map(load).collect::<Result<_, _>>()?;
    Ok((programs, magics))
}

fn load_one(
    source: Source,
    config: &KernelConfig,
    schema: &Schema,
    directory: &Path,
    magics: Magics,
) -> Result<LoadedProgram, DatapathError> {
    // A constant left out of an object that has the map would mean the wrong half of it.
    let maps = maps_of(&source)?;
    let has = |map: &str| maps.iter().any(|(name, _)| name == map);
    let mut loader = EbpfLoader::new();
    loader
        .default_map_pin_directory(directory)
        .override_global(load_time::NAME_HALF, &config.name_buckets, has("dns_blocklist"))
        .override_global(load_time::METADATA_MAGIC, &magics.metadata, has("policy"))
        .override_global(load_time::PROBE_MAGIC, &magics.probe, has("policy"));
    for map in schema.maps() {
        loader.map_max_entries(&map.name, map.max_entries);
    }
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

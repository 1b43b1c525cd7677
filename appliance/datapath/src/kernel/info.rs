//! What the kernel says of our programs and maps.

use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::path::Path;

use aya::maps::{MapData, MapType};
use ravelin_abi::rv_image_limit::RV_IMAGE_PAGE_BYTES;
use ravelin_model::{Attachment, MapInfo, ProgramInfo};

use super::image_maps::ImageMap;
use super::objects::LoadedProgram;
use crate::DatapathError;

/// A program with its attachments; run time only where the kernel measures it.
pub(super) fn program(
    program: &LoadedProgram,
    attachments: Vec<Attachment>,
    measured: bool,
) -> Result<ProgramInfo, DatapathError> {
    let failed = |source: aya::programs::ProgramError| DatapathError::QueryProgram {
        program: program.source.function,
        source: source.into(),
    };
    let info = program.program()?.info().map_err(failed)?;
    // aya asks for the memory by program id, which takes CAP_SYS_ADMIN.
    let memory_bytes = memory(program.fd()?.as_fd()).map_err(|source| DatapathError::QueryProgram {
        program: program.source.function,
        source: source.into(),
    })?;
    let run_time = u64::try_from(info.run_time().as_nanos()).unwrap_or(u64::MAX);
    Ok(ProgramInfo {
        id: info.id(),
        name: program.source.function.to_owned(),
        // The kernel and bpftool print the bytes in the order they lie in memory.
        tag: info
            .tag()
            .to_ne_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        attachments,
        verified_instructions: info.verified_instruction_count().unwrap_or(0).into(),
        jited_bytes: info.size_jitted().into(),
        memory_bytes,
        run_time: measured.then(|| (run_time, info.run_count())),
    })
}

/// A pinned map.
pub(super) fn map(directory: &Path, name: &str, occupancy: Option<u64>) -> Result<MapInfo, DatapathError> {
    let pin = directory.join(name);
    let failed = |source: aya::maps::MapError| DatapathError::QueryMap {
        map: name.to_owned(),
        source: source.into(),
    };
    let data = MapData::from_pin(&pin).map_err(failed)?;
    let info = data.info().map_err(failed)?;
    Ok(MapInfo {
        id: info.id(),
        name: name.to_owned(),
        kind: kind(info.map_type().map_err(failed)?).to_owned(),
        key_bytes: info.key_size(),
        value_bytes: info.value_size(),
        max_entries: info.max_entries(),
        occupancy,
        memory_bytes: memory(data.fd().as_fd()).map_err(|source| DatapathError::QueryMap {
            map: name.to_owned(),
            source: source.into(),
        })?,
        pin: Some(pin.display().to_string()),
    })
}

/// A pinned map of images: pages of both generations, those of the live one in use.
pub(super) fn image_map(directory: &Path, images: &ImageMap, live: usize) -> Result<MapInfo, DatapathError> {
    let outer = map(directory, images.name(), images.pages(live).map(u64::from))?;
    let held = images.held()?;
    Ok(MapInfo {
        value_bytes: RV_IMAGE_PAGE_BYTES,
        max_entries: held.pages,
        memory_bytes: outer.memory_bytes + held.bytes,
        ..outer
    })
}

fn kind(kind: MapType) -> &'static str {
    match kind {
        MapType::Array => "array",
        MapType::ArrayOfMaps => "array_of_maps",
        MapType::PerCpuArray => "percpu_array",
        MapType::LruHash => "lru_hash",
        MapType::Hash => "hash",
        MapType::DevMap => "devmap",
        MapType::RingBuf => "ringbuf",
        _ => "other",
    }
}

/// `bpf_map_show_fdinfo` and `bpf_prog_show_fdinfo` in kernel/bpf/syscall.c; the info structs do not have it.
pub(super) fn memory(fd: BorrowedFd<'_>) -> std::io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
    let field = text.lines().find_map(|line| line.strip_prefix("memlock:"));
    Ok(field.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0))
}

//! Programs in the kernel.

use ravelin_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place in the kernel where a program looks at packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// The driver, before an skb exists.
    Xdp,
    /// Traffic control, coming in.
    TcIngress,
    /// Traffic control, going out.
    TcEgress,
}

impl From<model::Hook> for Hook {
    fn from(hook: model::Hook) -> Self {
        match hook {
            model::Hook::Xdp => Self::Xdp,
            model::Hook::TcIngress => Self::TcIngress,
            model::Hook::TcEgress => Self::TcEgress,
        }
    }
}

/// Where XDP runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// After the skb was made; slower, works on any device.
    Generic,
}

impl From<model::XdpMode> for XdpMode {
    fn from(mode: model::XdpMode) -> Self {
        match mode {
            model::XdpMode::Native => Self::Native,
            model::XdpMode::Generic => Self::Generic,
        }
    }
}

/// A program on a hook of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    /// Kernel name of the interface.
    pub interface: String,
    /// Kernel index of the interface.
    pub interface_index: u32,
    /// Where.
    pub hook: Hook,
    /// Only for the hook `xdp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mode: Option<XdpMode>,
    /// Kernel id of the program.
    pub program_id: u32,
}

impl From<model::Attachment> for Attachment {
    fn from(attachment: model::Attachment) -> Self {
        let model::Attachment {
            interface,
            interface_index,
            hook,
            mode,
            program_id,
        } = attachment;
        Self {
            interface,
            interface_index,
            hook: hook.into(),
            mode: mode.map(Into::into),
            program_id,
        }
    }
}

/// What a program cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunTime {
    /// Nanoseconds spent in it.
    pub total_ns: u64,
    /// Times it ran.
    pub runs: u64,
}

/// A program in the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Program {
    /// Kernel id.
    pub id: u32,
    /// Kernel name.
    pub name: String,
    /// Hash of the instructions, in hex.
    pub tag: String,
    /// Where it sits.
    pub attachments: Vec<Attachment>,
    /// Instructions the verifier walked to prove it safe.
    pub verified_instructions: u64,
    /// Bytes of machine code.
    pub jited_bytes: u64,
    /// Bytes of kernel memory charged to it.
    pub memory_bytes: u64,
    /// Missing while the kernel does not measure: see `measure_run_time` of the feature `statistics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub run_time: Option<RunTime>,
}

impl From<model::ProgramInfo> for Program {
    fn from(program: model::ProgramInfo) -> Self {
        let model::ProgramInfo {
            id,
            name,
            tag,
            attachments,
            verified_instructions,
            jited_bytes,
            memory_bytes,
            run_time,
        } = program;
        Self {
            id,
            name,
            tag,
            attachments: attachments.into_iter().map(Into::into).collect(),
            verified_instructions,
            jited_bytes,
            memory_bytes,
            run_time: run_time.map(|(total_ns, runs)| RunTime { total_ns, runs }),
        }
    }
}

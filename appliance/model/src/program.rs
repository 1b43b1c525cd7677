//! Programs and maps in the kernel.

use std::fmt;

/// A place in the kernel where a program looks at packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// The driver, before an skb exists.
    Xdp,
    /// Traffic control, coming in.
    TcIngress,
    /// Traffic control, going out.
    TcEgress,
}

impl Hook {
    /// Every hook, in packet order.
    pub const ALL: [Self; 3] = [Self::Xdp, Self::TcIngress, Self::TcEgress];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xdp => "xdp",
            Self::TcIngress => "tc_ingress",
            Self::TcEgress => "tc_egress",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where XDP runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum XdpMode {
    /// In the driver.
    Native,
    /// After the skb was made; slower, works on any device.
    Generic,
}

/// A program on a hook of an interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attachment {
    /// Kernel name of the interface.
    pub interface: String,
    /// Kernel index of the interface.
    pub interface_index: u32,
    /// Where.
    pub hook: Hook,
    /// For [`Hook::Xdp`] only.
    pub mode: Option<XdpMode>,
    /// Kernel id of the program.
    pub program_id: u32,
}

/// A loaded program and one of its attachments, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramInfo {
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
    /// Nanoseconds spent in it and runs counted; None while the kernel does not measure.
    pub run_time: Option<(u64, u64)>,
}

/// A map in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapInfo {
    /// Kernel id.
    pub id: u32,
    /// Name; part of the API.
    pub name: String,
    /// Kernel type, e.g. `lru_hash`.
    pub kind: String,
    /// Bytes of a key.
    pub key_bytes: u32,
    /// Bytes of a value; per-CPU maps hold one for each CPU.
    pub value_bytes: u32,
    /// Capacity.
    pub max_entries: u32,
    /// Entries in use: what was counted in a hash, what the last image filled of an array; None where every
    /// entry of an array is in use by nature.
    pub occupancy: Option<u64>,
    /// Bytes of kernel memory.
    pub memory_bytes: u64,
    /// Path of the pin.
    pub pin: Option<String>,
}

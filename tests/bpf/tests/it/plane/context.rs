//! The context a tc program gets.

/// Size of `struct __sk_buff` as far as these tests need it (linux/bpf.h).
const SIZE: usize = 184;
pub(super) const MARK: usize = 8;
const INGRESS_IFINDEX: usize = 36;
const WIRE_LEN: usize = 160;
const GSO_SEGS: usize = 164;
const GSO_SIZE: usize = 176;

/// Fields of `struct __sk_buff` that `BPF_PROG_TEST_RUN` lets one set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Context {
    /// What somebody else marked it with.
    pub mark: u32,
    /// Where the packet came in; 0: sent by this box.
    pub ingress_ifindex: u32,
    /// Bytes on the wire; 0: those of the packet.
    pub wire_len: u32,
    /// Segments of a merged packet.
    pub gso_segs: u32,
    /// Payload of each.
    pub gso_size: u32,
}

impl Context {
    pub(super) fn bytes(self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        for (at, value) in [
            (MARK, self.mark),
            (INGRESS_IFINDEX, self.ingress_ifindex),
            (WIRE_LEN, self.wire_len),
            (GSO_SEGS, self.gso_segs),
            (GSO_SIZE, self.gso_size),
        ] {
            bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        }
        bytes
    }
}

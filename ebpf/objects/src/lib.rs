//! The eBPF objects, compiled by the build script from `ebpf/programs/` and embedded.
//!
//! Holds bytes and loads nothing. Each object defines the maps its program uses; maps of one name are the same map,
//! to be shared by pin.

/// Bytes aligned for a reader of ELF structures.
#[repr(C, align(8))]
struct Aligned<Bytes: ?Sized>(Bytes);

/// The object `OUT_DIR/<name>.o`.
macro_rules! object {
    ($name:literal) => {{
        static ALIGNED: &Aligned<[u8]> =
            &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".o")));
        &ALIGNED.0
    }};
}

/// Program `rv_xdp`, section `xdp`.
pub const XDP: &[u8] = object!("xdp");

/// Program `rv_ingress`, section `classifier`.
pub const TC_INGRESS: &[u8] = object!("tc_ingress");

/// Program `rv_egress`, section `classifier`. Has no lists, hence none of their maps.
pub const TC_EGRESS: &[u8] = object!("tc_egress");

/// Hash of the headers that define shared structs and maps, 16 hexadecimal digits. Objects and pins of equal
/// hash agree about every map.
pub const ABI_HASH: &str = env!("RAVELIN_ABI_HASH");

/// Variables of the objects to be set when they are loaded, each a `u32`. [`TC_EGRESS`] has none of them.
pub mod load_time {
    /// Half of `max_entries` of the map `dns_blocklist`.
    pub const NAME_HALF: &str = "rv_name_half";

    /// Number that begins what XDP tells tc ingress of a packet; the same in both, and known to nobody else.
    pub const METADATA_MAGIC: &str = "rv_metadata_magic";

    /// Number that begins the metadata of a test run that shall leave no trace.
    pub const PROBE_MAGIC: &str = "rv_probe_magic";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_aligned_bpf_elf_files() {
        for object in [XDP, TC_INGRESS, TC_EGRESS] {
            assert!(object.as_ptr().cast::<u64>().is_aligned());
            assert_eq!(object.get(..4), Some(b"\x7fELF".as_slice()));
            assert_eq!(object.get(18..20), Some([247, 0].as_slice()), "EM_BPF");
        }
    }

    #[test]
    fn the_hash_is_a_name_for_a_directory() {
        assert_eq!(ABI_HASH.len(), 16);
        assert!(ABI_HASH.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}

//! Types the kernel may write into.

use ravelin_abi::{
    rv_control, rv_counter, rv_event, rv_event_budget, rv_flow, rv_flow_key4, rv_flow_key6, rv_name_bucket,
    rv_statistics, rv_zone,
};

/// Integers and structs of integers, without padding the compiler made.
///
/// # Safety
/// Any bytes are a valid value, and no byte of a value is uninitialised.
pub(super) unsafe trait Plain: Copy + Send + Sync + 'static {}

macro_rules! plain {
    ($($name:ty),+ $(,)?) => {
        $(
            // SAFETY: made of integers only; the C headers spell all padding out, and `cargo xtask abi` would
            // show a field of its own for any the compiler had to add.
            unsafe impl Plain for $name {}
        )+
    };
}

plain!(
    u32,
    u64,
    rv_control,
    rv_counter,
    rv_event,
    rv_event_budget,
    rv_flow,
    rv_flow_key4,
    rv_flow_key6,
    rv_name_bucket,
    rv_statistics,
    rv_zone,
);

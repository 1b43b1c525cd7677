//! Live connections. Keeps the flow cache in step with conntrack, which alone knows what lives; tells what lives, ends
//! it, and keeps a record of what ended; counts and expires the entries of the flow map. Never looks into a packet.

mod error;
mod handle;
mod hardware;
pub mod live;
mod moved;
mod parts;
pub mod records;
mod sweep;
mod sync;
mod task;

pub use error::FlowsError;
pub use handle::FlowsHandle;
pub use hardware::{HardwareFlow, HardwareFlowState};
pub use moved::{MoveError, MovedCache};
pub use parts::Parts;
pub use sync::{Ending, NotCached};
pub use task::{CARDS, Tasks, spawn};

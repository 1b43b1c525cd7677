//! Live connections of a kernel: what is in conntrack of a namespace, listed, judged and ended.

mod ending;
mod judging;
mod listing;
mod rig;

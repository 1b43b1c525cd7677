//! Network cards: what they can do, by what kernel and driver tell of them and by tables of drivers and cards, each row
//! with its source. Says where every answer comes from, and "unknown" where there is none. Owns no I/O.

mod ability;
mod assessment;
mod cards;
mod drivers;
mod evidence;
mod flow_limit;
mod support;

pub use ability::Ability;
pub use assessment::{Answer, Assessment, Capability, FlowLimit, LimitSource, Source, assess};

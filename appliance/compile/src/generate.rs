//! Random policies and packets, for tests that hold one reading of the policy against another.
//!
//! Everything comes out of a [`Random`], so a seed brings it back: [`Random::seeded`] prints the seed it took and
//! takes `RAVELIN_SEED` if that is set; in a property test draw the seed and the [`Shape`] and use [`Random::new`].
//! The same seed gives the same values only as long as this module does not change.
//!
//! Policies are made of few addresses and ports, so that rules overlap, and with every kind of match there is. Packets
//! are aimed at one line each and lie on the edges of what it matches, or one beside them.

mod address;
mod packet;
mod policy;
mod random;

pub use self::packet::{packet, packet_to_published};
pub use self::policy::{Shape, World};
pub use self::random::Random;

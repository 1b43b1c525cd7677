//! Recorded cards, and cards nobody has.

mod any_card;
mod card;
mod recorded;

//! Pure compilers: values of the model in, bytes of the data plane out. Nothing here opens, waits or sleeps.

mod address_image;
mod address_index;
mod address_ranges;
mod address_set;
mod classes;
mod cuckoo;
mod diagnose;
mod error;
mod evaluate;
mod explain;
#[cfg(feature = "generate")]
pub mod generate;
mod image;
mod image_reader;
mod judge;
mod list_sets;
mod name_hash;
mod name_image;
mod nft;
mod packet;
mod policy_image;
mod policy_images;
mod resolve;
mod ruleset;
pub mod schedule;
mod tree;

pub use address_image::{AddressImage, AddressSource, ListedAddress};
pub use address_index::{AddressIndex, AddressIndexReader};
pub use address_set::AddressSet;
pub use diagnose::{DIAGNOSTICS_MAX, Diagnosis, Diagnostic, DiagnosticCode, Severity, diagnose};
pub use error::ImageTooLarge;
pub use evaluate::{Decision, Mismatch};
pub use explain::{Considered, EXPLAINED_LINES_MAX, Explanation, WhyNot};
pub use image::Image;
pub use image_reader::{ImageReader, ImageSteps, ImageVerdict};
pub use judge::{Judge, Judged};
pub use list_sets::SetMembers;
pub use name_hash::NameHash;
pub use name_image::{NameImage, NameSource};
pub use nft::{NftDifference, NftFound, NftRuleset, NftSettings};
pub use packet::PolicyPacket;
pub use policy_image::PolicySizes;
pub use policy_images::PolicyImages;
pub use resolve::Resolved;
pub use ruleset::{
    AddressTerm, CounterId, DnatEntry, Inventory, InventoryInterface, LeftOut, Line, ListAddresses, Lists,
    NatOrigin, NotInForce, Origin, PairDefault, ResolvedTranslation, ResolvedZone, Ruleset, fixed_counter,
};

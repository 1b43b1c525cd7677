//! Pure compilers: values of the model in, bytes of the data plane out. Nothing here opens, waits or sleeps.

mod address_image;
mod address_ranges;
mod bucket_directory;
mod cuckoo;
mod error;
mod list_sets;
mod name_hash;
mod name_image;

pub use address_image::{AddressImage, AddressSource};
pub use error::ImageTooLarge;
pub use list_sets::SetMembers;
pub use name_hash::NameHash;
pub use name_image::{NameImage, NameSource};
